namespace Bulkhead.Scheduling.Balance;

/// <summary>What Borrowed Virtual Time guarantees where vCPUs move between the CPUs of a pool.</summary>
/// <remarks>
/// <para><i>Model</i>: as <see cref="BvtBounds"/>, of each CPU. A vCPU is moved to a CPU where somebody is runnable only to even out shares: not
/// while it waits for its turn after a wake-up, and not within <see cref="PoolBalancer.HoldNs"/> of its last move. To an idle CPU
/// it may be moved at any time, but once in a wait. A move takes o at most. Its class, and what it used of the budgets of its classes, go with it.</para>
/// <para><i>Lag</i>: the bound of <see cref="BvtBounds.LagNs"/> holds on whichever CPU a vCPU is. It is of the vCPU's own parameters, and A - SVT
/// is what a move carries over; SVT does not fall by a move, since who leaves can only raise the least, and who
/// comes enters at SVT or later. A change of class moves no A, on whichever CPU it is noticed.</para>
/// </remarks>
public static class BvtPoolBounds
{
    private const int MostRounds = 10_000;

    // Where only budgets could bound a wait, one longer than this counts as having no bound.
    private const long FarNs = 60_000_000_000;

    /// <summary>The longest time from wake-up to dispatch while it is not ahead, and neither its warp nor a budget is used up.</summary>
    public static WaitBound Level(ReadOnlySpan<BvtVcpu> sharers, int vcpu, long allowanceNs, long overrunNs, bool moves) =>
        Dispatch(sharers, vcpu, allowanceNs, overrunNs, lagNs: 0, sharers[vcpu].LevelWarpNs, moves);

    /// <summary>The longest time from wake-up to dispatch, whatever anybody did before.</summary>
    public static WaitBound Worst(ReadOnlySpan<BvtVcpu> sharers, int vcpu, long allowanceNs, long overrunNs, bool moves) =>
        Dispatch(
            sharers, vcpu, allowanceNs, overrunNs, BvtBounds.LagNs(sharers[vcpu], allowanceNs, overrunNs), sharers[vcpu].WorstWarpNs, moves);

    /// <summary>The longest time from wake-up to dispatch of a vCPU that is at most <paramref name="lagNs"/> ahead.</summary>
    /// <remarks>
    /// <para>Claim 1: with the terms of claim 1 of <see cref="BvtBounds.Dispatch"/> over all that may ever share a CPU with it, it is dispatched or
    /// blocks within the smallest w
    /// that is at least the sum of (n + floor((w + o) / H)) times each term, and m; n is 1 and m is 0 where it stays on its CPU, else n is 2 and
    /// m is 2 o.</para>
    /// <para>Proof: while j waits its CPU is never idle. What an i runs there before j from when it comes, or j does, to when it
    /// leaves is at most its term: its A begins at SVT or later, and the rest is as on one CPU. So count how often i comes. It was
    /// there when j woke, or on the way, or comes to where j waits; whichever is first is the first time. For every other it has been moved
    /// since, to a CPU that is not idle: H after its last move. Those are floor((w + o) / H) at most. j itself is moved once at
    /// most, to where i may be already: one more; the move takes o, and so does the end of the turn that it finds there.</para>
    /// <para>Claim 2: as claim 2 there, for any V a term may be replaced by that with V in place of W_i, as often, and for each class k of i
    /// with W_k &gt; V and W_k + l &gt;= W_j, once, what its budget lets i run within w.</para>
    /// <para>Proof: each time i comes, take the last time before it leaves (or j is dispatched) at which it runs with a warp of at most V: up to
    /// there it ran the term with V at most, as on one CPU. What it runs after that, each time it comes, it runs in those classes; and all it runs in
    /// a class within w is what the budget lets it, on however many CPUs, since what was used goes with it.</para>
    /// <para><i>Units</i>: as there; no bound where there is no such w.</para>
    /// </remarks>
    /// <param name="sharers">The vCPU and all that may share a CPU with it.</param>
    /// <param name="vcpu">Its index.</param>
    /// <param name="allowanceNs">C.</param>
    /// <param name="overrunNs">o.</param>
    /// <param name="lagNs">A - SVT when it wakes, at least 0.</param>
    /// <param name="warpNs">The least warp with which it waits.</param>
    /// <param name="moves">Whether it moves itself.</param>
    public static WaitBound Dispatch(
        ReadOnlySpan<BvtVcpu> sharers, int vcpu, long allowanceNs, long overrunNs, long lagNs, long warpNs, bool moves)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lagNs);
        BvtVcpu[] all = sharers.ToArray();
        long realNs = checked(allowanceNs + 1 + overrunNs);
        Int128 leadNs = (Int128)lagNs - warpNs;
        WaitTerm[] loans = [.. BvtBounds.Others(all, vcpu).Select(i => new WaitTerm(i, 0, BvtBounds.TermNs(all[i], allowanceNs, overrunNs, lagNs, warpNs)))];
        long sumNs = WaitBound.Of(loans).Ns;
        WaitTerm[] move = moves && sumNs > 0 ? [new WaitTerm(vcpu, 0, checked(2 * overrunNs))] : [];
        WaitBound byLoan = ByLoan(loans, sumNs, move, Times);
        return BvtBounds.HasLimits(all) && sumNs > 0
            ? WaitBound.Smallest(
                window => [.. BvtBounds.Others(all, vcpu).SelectMany(i => BvtBounds.LeastTerms(all[i], i, leadNs, realNs, overrunNs, window, Times(window))), .. move],
                byLoan,
                Math.Min(byLoan.Ns, FarNs))
            : byLoan;

        // How often one may come where it waits so long.
        long Times(long windowNs) => (moves ? 2 : 1) + (long)(((Int128)windowNs + overrunNs) / PoolBalancer.HoldNs);
    }

    private static WaitBound ByLoan(WaitTerm[] loans, long sumNs, WaitTerm[] move, Func<long, long> times)
    {
        long moveNs = WaitBound.Of(move).Ns;
        long waitNs = 0;
        for (int round = 0; round < MostRounds; round++)
        {
            long often = times(waitNs);
            Int128 sum = moveNs + ((Int128)sumNs * often);
            if (sum == waitNs)
            {
                return Bound(often);
            }

            if (sum > long.MaxValue)
            {
                break;
            }

            waitNs = (long)sum;
        }

        return Bound(long.MaxValue);

        WaitBound Bound(long often) => WaitBound.Of([.. loans.Select(t => t with { Ns = WaitBound.Times(t.Ns, often) }), .. move]);
    }
}
