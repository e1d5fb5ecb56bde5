using Bulkhead.Core;
using Bulkhead.Machine.Configuration;
using Bulkhead.Scheduling;

namespace Bulkhead.Machine.Admission;

/// <summary>The vCPUs that share one CPU of a pool, or that may share one with the vCPU in question.</summary>
internal sealed record CpuQueue(PoolConfig Pool, int Cpu, IReadOnlyList<(DomainConfig Domain, int Vcpu)> Vcpus, long OverrunNs)
{
    /// <summary>What moves.</summary>
    internal Mobility Mobility { get; init; }

    /// <summary>What it gets of a CPU in the long run, where it goes to whichever has time; else null.</summary>
    internal double? FairShare { get; init; }

    /// <summary>How many they are.</summary>
    internal int Count => Vcpus.Count;

    /// <summary>How long the turn may go on that a wake-up finds running: somebody else's.</summary>
    internal long TurnEndNs => Count == 1 ? 0 : OverrunNs;

    /// <summary>The CPU, as it is called in a sentence.</summary>
    internal string CpuName => Pool.CpuCount == 1 ? $"the CPU of pool {Pool.Name}" : $"CPU no. {Cpu + 1} of pool {Pool.Name}";

    /// <summary>How a vCPU is called in a sentence.</summary>
    internal string Name(int index) => $"{Vcpus[index].Domain.Name}, vCPU {Vcpus[index].Vcpu}";

    /// <summary>What each other vCPU adds.</summary>
    internal DispatchTerm[] Terms(int index, Func<int, long> level, Func<int, long> worst) =>
    [
        .. Enumerable.Range(0, Count).Where(other => other != index)
            .Select(other => new DispatchTerm(Vcpus[other].Domain.Name, Vcpus[other].Vcpu, level(other), worst(other))),
    ];

    /// <summary>What each other vCPU adds, and in which class; those that add nothing are there too. Last, what its own move does.</summary>
    internal DispatchTerm[] Terms(int index, WaitBound level, WaitBound worst)
    {
        var terms = new List<DispatchTerm>();
        ILookup<(int Vcpu, int Class), long> levels = ByVcpu(level);
        ILookup<(int Vcpu, int Class), long> worsts = ByVcpu(worst);
        foreach ((int vcpu, int place) in levels.Concat(worsts).Select(static t => t.Key).Distinct().OrderBy(t => (t.Vcpu == index, t.Vcpu, t.Class)))
        {
            DomainConfig domain = Vcpus[vcpu].Domain;
            long levelNs = levels[(vcpu, place)].Sum();
            long worstNs = worsts[(vcpu, place)].Sum();
            terms.Add(vcpu == index
                ? new DispatchTerm("its move", -1, levelNs, worstNs)
                : new DispatchTerm(domain.Name, Vcpus[vcpu].Vcpu, levelNs, worstNs) { Class = place == 0 ? null : domain.Classes[place - 1].Name });
        }

        return [.. terms];
    }

    private static ILookup<(int Vcpu, int Class), long> ByVcpu(WaitBound bound) => bound.Terms.ToLookup(static t => (t.Vcpu, t.Class), static t => t.Ns);

    /// <summary>A schedule; the turn's end joins the two bounds.</summary>
    internal VcpuSchedule Schedule(int index, double share, DispatchTerm[] terms, long levelNs, long worstNs, string cause) => new()
    {
        Domain = Vcpus[index].Domain,
        Vcpu = Vcpus[index].Vcpu,
        Pool = Pool.Name,
        Policy = Pool.Policy,
        Cpu = Cpu,
        Share = share,
        Terms = terms,
        TurnEndNs = TurnEndNs,
        LevelDispatchNs = Sum(TurnEndNs, levelNs),
        WorstDispatchNs = Sum(TurnEndNs, worstNs),
        Cause = levelNs == 0
            ? $"ending the turn that is running may take {Quantity.FormatDuration(TurnEndNs)}; give it a pool of its own, or declare no less than that"
            : cause,
    };

    private static long Sum(long turnEndNs, long waitNs) => waitNs > long.MaxValue - turnEndNs ? long.MaxValue : waitNs + turnEndNs;
}
