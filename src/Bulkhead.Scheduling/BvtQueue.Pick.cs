namespace Bulkhead.Scheduling;

public sealed partial class BvtQueue
{
    /// <summary>Chooses who runs from <paramref name="nowNs"/> on, and how long before the choice must be made again.</summary>
    /// <remarks>
    /// <i>Cost</i>: two scans of the slots. The budget ends where another would be due (E and the allowance), where the
    /// chosen one loses its warp, or where anyone regains theirs, whichever is first.
    /// </remarks>
    public QueuePick Pick(long nowNs)
    {
        int best = First(nowNs, out bool preempted);
        if (best < 0)
        {
            return new QueuePick(-1, long.MaxValue);
        }

        if (_running >= 0 && best != _running && !preempted
            && RealUntilDue(_running, _entries[best].Effective(nowNs), nowNs) > 0)
        {
            best = _running;
        }

        _running = best;
        return new QueuePick(best, Budget(best, nowNs));
    }

    // The smallest E, fresh before others and lower slots before higher; also whether a fresh one ends the running turn.
    private int First(long nowNs, out bool preempted)
    {
        preempted = false;
        int best = -1;
        Int128 bestE = 0;
        bool bestFresh = false;
        Int128 runningE = _running < 0 ? 0 : _entries[_running].Effective(nowNs);
        for (int slot = 0; slot < _end; slot++)
        {
            ref BvtEntry entry = ref _entries[slot];
            if (!entry.Runnable)
            {
                continue;
            }

            Int128 e = entry.Effective(nowNs);
            preempted |= entry.Fresh && _running >= 0 && e <= runningE;
            if (best < 0 || e < bestE || (e == bestE && entry.Fresh && !bestFresh))
            {
                best = slot;
                bestE = e;
                bestFresh = entry.Fresh;
            }

            entry.Fresh = false;
        }

        return best;
    }

    private long Budget(int slot, long nowNs)
    {
        ref BvtEntry running = ref _entries[slot];
        long budget = long.MaxValue;
        bool alone = true;
        for (int other = 0; other < _end; other++)
        {
            ref BvtEntry entry = ref _entries[other];
            if (other == slot || !entry.Runnable)
            {
                continue;
            }

            alone = false;
            budget = Math.Min(budget, VirtualTime.Ceiling(RealUntilDue(slot, entry.Effective(nowNs), nowNs)));
            budget = Math.Min(budget, entry.UntilRegain(nowNs));
        }

        if (alone)
        {
            return long.MaxValue;
        }

        budget = Math.Min(budget, running.UntilRegain(nowNs));
        if (running.Parameters.WarpLimitNs != 0 && running.IsWarped(nowNs))
        {
            budget = Math.Min(budget, running.Parameters.WarpLimitNs - running.WarpUsedNs);
        }

        return Math.Max(budget, 1);
    }

    // Real time, scaled, that the one in the slot may still run before it must yield to an effective virtual time:
    // C - w (E_i - e), with what w could not divide. Not positive: it is due now.
    private Int128 RealUntilDue(int slot, Int128 e, long nowNs)
    {
        ref BvtEntry entry = ref _entries[slot];
        return _allowance - (entry.Effective(nowNs) - e) * entry.Parameters.Weight - entry.Residue;
    }
}
