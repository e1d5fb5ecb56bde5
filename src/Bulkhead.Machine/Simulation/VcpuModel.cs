namespace Bulkhead.Machine.Simulation;

/// <summary>One vCPU that does nothing but spend time.</summary>
internal sealed class VcpuModel(int entry, WorkSource work)
{
    private readonly List<long> _latenciesNs = [];
    private long _maxNs = -1;
    private long _maxWokenNs;

    /// <summary>Its number in the policy.</summary>
    internal int Entry => entry;

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

    /// <summary>Runs from <paramref name="nowNs"/> to <paramref name="latestNs"/> or to the end of its work; returns how long.</summary>
    internal long Run(long nowNs, long latestNs)
    {
        // Work that comes in the overrun, while it is still at the work before, keeps it from sleeping.
        while (NextNs <= latestNs && NextNs - nowNs < LeftNs)
        {
            _ = TakeDue(NextNs);
        }

        long ranNs = Math.Min(LeftNs, latestNs - nowNs);
        LeftNs -= LeftNs == long.MaxValue ? 0 : ranNs;
        RanNs += ranNs;
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
