using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Machine.Simulation;

/// <summary>One vCPU that does nothing but spend time.</summary>
internal sealed class VcpuModel(int entry, Share share, WorkSource work)
{
    private readonly List<long> _latenciesNs = [];
    private readonly long[] _ranInNs = new long[share.Classes.Count + 1];
    private readonly ClassSelector _classes = new([.. share.Classes.Select(static c => c.Rule)]);
    private long _ranSinceWakeNs;
    private long _maxNs = -1;
    private long _maxWokenNs;

    /// <summary>Its number in the policy.</summary>
    internal int Entry => entry;

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

    /// <summary>How long it had the CPU.</summary>
    internal long RanNs { get; private set; }

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

    /// <summary>Runs from <paramref name="nowNs"/> to <paramref name="latestNs"/>, to the end of its work, or to where it says something that
    /// puts it into another class; returns how long.</summary>
    internal long Run(long nowNs, long latestNs)
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

        long ranNs = Math.Min(LeftNs, latestNs - nowNs);
        LeftNs -= LeftNs == long.MaxValue ? 0 : ranNs;
        RanNs += ranNs;
        _ranSinceWakeNs += ranNs;
        _ranInNs[_classes.Current] += ranNs;
        _classes.Charge(ranNs, nowNs + ranNs);
        if (LeftNs == 0)
        {
            _classes.Halt();
        }

        return ranNs;
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
