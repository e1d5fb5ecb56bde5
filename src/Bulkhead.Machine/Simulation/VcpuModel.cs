using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Balance;
using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Machine.Simulation;

/// <summary>One vCPU that does nothing but spend time.</summary>
internal sealed class VcpuModel(int entry, WorkSource work, Share share, int cpu, int domain)
{
    private readonly List<long> _latenciesNs = [];
    private readonly long[] _ranInNs = new long[share.Classes.Count + 1];
    private readonly ClassSelector _classes = new([.. share.Classes.Select(static c => c.Rule)]);
    private long _ranSinceWakeNs;
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

    /// <summary>What it is entitled to in the class it is in.</summary>
    internal Share Entitled => share.In(_classes.Current);

    /// <summary>The name of that class; null where it has none.</summary>
    internal string? ClassName => share.Classes.Count == 0 ? null : NameOf(_classes.Current);

    /// <summary>How long it ran in each class; none where it has none.</summary>
    internal IReadOnlyList<(string Name, long RanNs)> RanIn =>
        share.Classes.Count == 0 ? [] : [.. _ranInNs.Select((ns, place) => (NameOf(place), ns))];

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

        bool wakes = slept && LeftNs != 0;
        if (wakes)
        {
            _ranSinceWakeNs = 0;
            _classes.Wake();
        }

        return wakes;
    }

    /// <summary>Whether it is in another class now, between two turns.</summary>
    internal bool Reclass(long nowNs) => LeftNs != 0 && _classes.Select(nowNs);

    /// <summary>When its class may change by time alone.</summary>
    internal long NextChangeNs(long nowNs, bool runs) => LeftNs == 0 ? long.MaxValue : _classes.NextChangeNs(nowNs, runs);

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

    /// <summary>How long it runs from <paramref name="nowNs"/> on: to <paramref name="latestNs"/>, to the end of its work, or to where it says something that
    /// puts it into another class.</summary>
    internal long Plan(long nowNs, long latestNs)
    {
        (byte hint, long forNs) = work.Hint;
        long hintLeftNs = hint == 0 ? 0 : forNs == 0 ? long.MaxValue : forNs - _ranSinceWakeNs;
        if (hint != 0 && _classes.Hint != (hintLeftNs > 0 ? hint : 0))
        {
            _classes.Say(hintLeftNs > 0 ? hint : (byte)0);
            if (_classes.Selected(nowNs) != _classes.Current)
            {
                return 0;
            }
        }

        if (hintLeftNs > 0 && hintLeftNs < latestNs - nowNs)
        {
            latestNs = nowNs + hintLeftNs;
        }

        // Work that comes in the overrun, while it is still at the work before, keeps it from sleeping.
        while (NextNs <= latestNs && NextNs - nowNs < LeftNs)
        {
            _ = TakeDue(NextNs);
        }

        return Math.Min(LeftNs, latestNs - nowNs);
    }

    /// <summary>It ran so long, until <paramref name="nowNs"/>.</summary>
    internal void Spend(long ranNs, long nowNs)
    {
        LeftNs -= LeftNs == long.MaxValue ? 0 : ranNs;
        RanNs += ranNs;
        _ranSinceWakeNs += ranNs;
        _ranInNs[_classes.Current] += ranNs;
        _classes.Charge(ranNs, nowNs);
        if (LeftNs == 0)
        {
            _classes.Halt();
        }
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

    private string NameOf(int place) => place == 0 ? ClassNames.Base : share.Classes[place - 1].Name;

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
