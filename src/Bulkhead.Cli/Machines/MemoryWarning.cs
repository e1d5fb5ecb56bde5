using Bulkhead.Core;
using Bulkhead.Host.Memory;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Cli.Machines;

/// <summary>What is said where guests have more memory than the host: they may start, and never touch all of it.</summary>
internal static class MemoryWarning
{
    private const int MostNamed = 8;
    private const ulong Unit = 1 << 20;

    /// <summary>The words of a system, or null.</summary>
    internal static string? Of(SystemConfig system, HostMemory? host) =>
        Of([.. system.Domains.Select(static d => (d.Name, d.MemoryBytes))], "memory of domains", host) is { } words ? $"{system.Path}: {words}" : null;

    /// <summary>The words, or null where the host has enough, or does not say what it has.</summary>
    /// <param name="guests">The guests, and how much each has.</param>
    /// <param name="field">What says how much that is.</param>
    /// <param name="host">What the host has.</param>
    internal static string? Of(IReadOnlyList<(string Name, ulong Bytes)> guests, string field, HostMemory? host)
    {
        ulong sum = 0;
        foreach ((_, ulong bytes) in guests)
        {
            sum += bytes;
        }

        if (host is null || sum <= host.Bytes)
        {
            return null;
        }

        string each = string.Join(", ", guests.OrderByDescending(static g => g.Bytes).Take(MostNamed).Select(static g => $"{g.Name} {Quantity.FormatSize(g.Bytes)}"));
        string others = guests.Count > MostNamed ? $" and {guests.Count - MostNamed} more" : string.Empty;
        string room = Quantity.FormatSize(host.Bytes / Unit * Unit);
        return $"guest memory is {Quantity.FormatSize(sum)} ({each}{others}), and the host has {room} of it: "
            + (host.IsLimit ? $"the limit of this process's cgroup ({host.Source})" : $"what is available now ({host.Source}, MemAvailable)")
            + "; a guest gets memory as it touches it, and where there is no more the host's kernel kills this process and with it every guest; "
            + $"lower {field}, or {(host.IsLimit ? "raise that limit" : "free memory of the host")}";
    }
}
