using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Xunit;

namespace Bulkhead.Machine.Tests.Hostile;

/// <summary>A victim, an attacker and a bystander that computes, in virtual time on one CPU, or on several.</summary>
internal sealed class HostileMachine : IDisposable
{
    internal const long AllowanceNs = 100_000;

    /// <summary>Less than the allowance, so that it helps only who has just woken.</summary>
    internal const long WarpNs = 60_000;

    internal const int BystanderWeight = 3;

    private readonly TinyMachine _machine;

    internal HostileMachine(Attack attack, bool attackerWarps, long endNs, string settings = "", int cpus = 1)
    {
        var warp = new WarpConfig(WarpNs, 0, 0);
        DomainConfig[] domains =
        [
            new() { Name = "victim", Pool = "p", Warp = warp },
            new() { Name = "attacker", Pool = "p", Vcpus = Attacker.Vcpus(attack), Warp = attackerWarps ? warp : null },
            new() { Name = "bystander", Pool = "p", Weight = BystanderWeight },
        ];
        System = new SystemConfig("test", [new PoolConfig("p", [CpuSelector.LastAllowed], SchedulingPolicy.Bvt, AllowanceNs)], domains);
        _machine = new TinyMachine
        {
            EngineOptions = $"{settings},{TranslatorEngines.Counting}",
            Adjust = r => r with { InstructionClock = true, EndAtNs = endNs, Pools = [new PoolRequest { AllowanceNs = AllowanceNs, Cpus = [.. Enumerable.Range(0, cpus)] }] },
        };
        _machine.Add(Victim.Answer, share: domains[0].Share);
        _machine.Add(Attacker.Code(attack), domains[1].Vcpus, domains[1].Share);
        _machine.Add(Victim.Compute, share: domains[2].Share);
    }

    /// <summary>The same as a system file would have it.</summary>
    internal SystemConfig System { get; }

    internal MachineRunner Runner => _machine.Runner;

    /// <summary>Runs to the end of the time.</summary>
    internal void Run()
    {
        foreach (DomainResult result in _machine.Run())
        {
            Assert.Equal("stopped at the virtual time asked for", result.Message);
        }
    }

    public void Dispose() => _machine.Dispose();
}
