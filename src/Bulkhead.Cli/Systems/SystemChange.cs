using Bulkhead.Host;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Cli.Systems;

/// <summary>What a system file may change of a system that runs: how its CPUs are shared, and how its domains are watched and restarted.</summary>
internal static class SystemChange
{
    /// <summary>Refuses a file that changes anything else.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> with a line per difference.</remarks>
    internal static void Check(SystemConfig now, SystemConfig next)
    {
        var wrong = new List<string>();
        Compare("pools", string.Join(", ", now.Pools.Select(static p => p.Name)), string.Join(", ", next.Pools.Select(static p => p.Name)));
        Compare("domains", string.Join(", ", now.Domains.Select(static d => d.Name)), string.Join(", ", next.Domains.Select(static d => d.Name)));
        Compare("networks", string.Join(" | ", now.Networks), string.Join(" | ", next.Networks));
        Compare("clock", now.Clock, next.Clock);
        foreach ((PoolConfig a, PoolConfig b) in now.Pools.Join(next.Pools, static p => p.Name, static p => p.Name, static (a, b) => (a, b)))
        {
            Compare($"pool {a.Name}: cpus", string.Join(", ", a.Cpus), string.Join(", ", b.Cpus));
            Compare($"pool {a.Name}: realtime", a.RealTime, b.RealTime);
            Compare($"pool {a.Name}: spin", a.SpinNs, b.SpinNs);
        }

        foreach ((DomainConfig a, DomainConfig b) in now.Domains.Join(next.Domains, static d => d.Name, static d => d.Name, static (a, b) => (a, b)))
        {
            Compare($"domain {a.Name}: image", a.Image, b.Image);
            Compare($"domain {a.Name}: kernel", a.KernelPath, b.KernelPath);
            Compare($"domain {a.Name}: firmware", a.Firmware?.Path, b.Firmware?.Path);
            Compare($"domain {a.Name}: variables", a.Firmware?.VariablesPath, b.Firmware?.VariablesPath);
            Compare($"domain {a.Name}: initrd", a.InitrdPath, b.InitrdPath);
            Compare($"domain {a.Name}: modules", Text(a.Modules), Text(b.Modules));
            Compare($"domain {a.Name}: append", a.Append, b.Append);
            Compare($"domain {a.Name}: task", a.Task, b.Task);
            Compare($"domain {a.Name}: environment", string.Join(", ", a.Environment), string.Join(", ", b.Environment));
            Compare($"domain {a.Name}: memory", a.MemoryBytes, b.MemoryBytes);
            Compare($"domain {a.Name}: vcpus", a.Vcpus, b.Vcpus);
            Compare($"domain {a.Name}: pool", a.Pool, b.Pool);
            Compare($"domain {a.Name}: cpus", string.Join(", ", a.Cpus), string.Join(", ", b.Cpus));
            Compare($"domain {a.Name}: ready", a.ReadyText, b.ReadyText);
            Compare($"domain {a.Name}: disks", Text(a.Disks), Text(b.Disks));
            Compare($"domain {a.Name}: rng", a.Entropy, b.Entropy);
            Compare($"domain {a.Name}: balloon", a.Balloon, b.Balloon);
            Compare($"domain {a.Name}: display", Text(a.Display), Text(b.Display));
        }

        if (wrong.Count > 0)
        {
            throw new OperatorException($"{next.Path}: changes what a running system cannot; end it with 'bulkhead down' and start it again, or put back\n  {string.Join("\n  ", wrong)}", 2);
        }

        static string Text(object? part) => part is System.Collections.IEnumerable parts ? string.Join(", ", parts.Cast<object>()) : part?.ToString() ?? "none";

        void Compare<T>(string what, T before, T after)
        {
            if (!EqualityComparer<T>.Default.Equals(before, after))
            {
                wrong.Add($"{what} {before}, now {after}");
            }
        }
    }

    /// <summary>Whether a pool's CPUs are shared by other rules than before.</summary>
    internal static bool Differs(PoolConfig now, PoolConfig next) =>
        now.Policy != next.Policy || now.AllowanceNs != next.AllowanceNs || now.Frame?.MajorNs != next.Frame?.MajorNs
            || !(now.Frame?.Windows ?? []).SequenceEqual(next.Frame?.Windows ?? []);
}
