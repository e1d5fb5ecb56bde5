using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Machine.Simulation;

/// <summary>One vCPU that does nothing but spend time.</summary>
internal sealed class VcpuModel(int entry, WorkSource work, Share share, int cpu, int domain)
{
    private readonly List<long> _latenciesNs = [];
    private long _maxNs = -1;
    private long _maxWokenNs;
    private long _lookedRanNs;
    private long _lookedSleeps;

    /// <summary>Its number in the policy.</summary>
    internal int Entry { get; private set; } = entry;

    /// <summary>The CPU it is on, or on its way to.</summary>
    internal int Cpu { get; private set; } = cpu;

    /// <summary>What it is owed, while it is on its way; else null.</summary>
    internal BvtMigrant? OnItsWay { get; private set; }

    /// <summary>When it was moved last.</summary>
    internal long MovedNs { get; private set; } = -PoolBalancer.HoldNs;

    /// <summary>How often it was moved.</summary>
    internal long Moves { get; private set; }

    /// <summary>Where it is wanted, to even out shares.</summary>
    internal SimulatedPcpu? Wanted { get; set; }

    /// <summary>How often it slept.</summary>
    internal long Sleeps { get; set; }

    /// <summary>When it gets work next.</summary>
    internal long NextNs => work.NextNs;

    /// <summary>The time its work still takes; 0 = it sleeps, <see cref="long.MaxValue"/> = for ever.</summary>
    internal long LeftNs { get; private set; }

    /// <summary>Since when it waits for the CPU after a wake-up, or -1.</summary>
    internal long WaitingSinceNs { get; private set; } = -1;

    /// <summary>The same as <see cref="MoveRules"/> has it: 0 where it does not wait.</summary>
    internal long WaitsSinceNs => WaitingSinceNs < 0 ? 0 : Math.Max(WaitingSinceNs, 1);

    /// <summary>How long it had the CPU.</summary>
    internal long RanNs { get; private set; }

    /// <summary>Whether a CPU has it.</summary>
    internal bool IsOn(SimulatedPcpu one) => Cpu == one.Number && OnItsWay is null;

    /// <summary>It leaves its CPU for another.</summary>
    internal void Leave(BvtMigrant migrant, int to, long nowNs)
    {
        (OnItsWay, Cpu, MovedNs, Wanted) = (migrant, to, nowNs, null);
        Moves++;
    }

    /// <summary>It arrives.</summary>
    internal void Enter(int number) => (Entry, OnItsWay) = (number, null);

    /// <summary>What the balancer is told of it.</summary>
    internal VcpuLoad LoadSinceLook(long ranNs, long nowNs)
    {
        var load = new VcpuLoad
        {
            Weight = share.Weight,
            Domain = domain,
            Cpu = Cpu,
            RanNs = ranNs - _lookedRanNs,
            Runnable = LeftNs != 0,
            Slept = Sleeps != _lookedSleeps,
            Movable = MoveRules.MayEven(WaitsSinceNs, MovedNs, nowNs),
        };
        (_lookedRanNs, _lookedSleeps) = (ranNs, Sleeps);
        return load;
    }

    /// <summary>Takes in the work that is due; true where that woke it.</summary>
    internal bool TakeDue(long nowNs)
    {
        bool slept = LeftNs == 0;
        while (NextNs <= nowNs)
        {
            if (LeftNs == 0)
            {
                WaitingSinceNs = NextNs;
            }

            long more = work.Take();
            LeftNs = LeftNs > long.MaxValue - more ? long.MaxValue : LeftNs + more;
        }

        return slept && LeftNs != 0;
    }

    /// <summary>It gets the CPU; true where it waited for that since a wake-up.</summary>
    internal bool Dispatch(long nowNs, out SimulatedWait wait)
    {
        wait = new SimulatedWait(WaitingSinceNs, nowNs);
        if (WaitingSinceNs < 0)
        {
            return false;
        }

        WaitingSinceNs = -1;
        Note(wait);
        return true;
    }

    /// <summary>How long it runs from <paramref name="nowNs"/> on: to <paramref name="latestNs"/> or to the end of its work.</summary>
    internal long Plan(long nowNs, long latestNs)
    {
        // Work that comes in the overrun, while it is still at the work before, keeps it from sleeping.
        while (NextNs <= latestNs && NextNs - nowNs < LeftNs)
        {
            _ = TakeDue(NextNs);
        }

        return Math.Min(LeftNs, latestNs - nowNs);
    }

    /// <summary>It ran so long.</summary>
    internal void Spend(long ranNs)
    {
        LeftNs -= LeftNs == long.MaxValue ? 0 : ranNs;
        RanNs += ranNs;
    }

    /// <summary>Sums up its wake-ups; one that still waits counts as if it were dispatched at the end.</summary>
    internal DispatchLatency Summary(long needNs)
    {
        long[] sorted = [.. _latenciesNs.Order()];
        return new DispatchLatency(
            sorted.Length,
            Quantile(sorted, 50),
            Quantile(sorted, 99),
            Math.Max(_maxNs, 0),
            _maxWokenNs,
            sorted.Count(ns => ns > needNs));
    }

    private void Note(SimulatedWait wait)
    {
        long ns = wait.DispatchedNs - wait.WokenNs;
        _latenciesNs.Add(ns);
        if (ns > _maxNs)
        {
            _maxNs = ns;
            _maxWokenNs = wait.WokenNs;
        }
    }

    // The least value that so many percent of all do not exceed.
    private static long Quantile(long[] sorted, int percent) =>
        sorted.Length == 0 ? 0 : sorted[(int)((((long)sorted.Length * percent) + 99) / 100) - 1];
}
