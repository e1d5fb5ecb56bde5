namespace Bulkhead.Scheduling.Balance;

/// <summary>What Borrowed Virtual Time guarantees where vCPUs move between the CPUs of a pool.</summary>
/// <remarks>
/// <para><i>Model</i>: as <see cref="BvtBounds"/>, of each CPU. A vCPU is moved to a CPU where somebody is runnable only to even out shares: not
/// while it waits for its turn after a wake-up, and not within <see cref="PoolBalancer.HoldNs"/> of its last move. To an idle CPU
/// it may be moved at any time, but once in a wait. A move takes o at most.</para>
/// <para><i>Lag</i>: the bound of <see cref="BvtBounds.LagNs"/> holds on whichever CPU a vCPU is. It is of the vCPU's own parameters, and A - SVT
/// is what a move carries over; SVT does not fall by a move, since who leaves can only raise the least, and who
/// comes enters at SVT or later.</para>
/// </remarks>
public static class BvtPoolBounds
{
    private const int MostRounds = 10_000;

    /// <summary>The longest time from wake-up to dispatch of a vCPU that is at most <paramref name="lagNs"/> ahead.</summary>
    /// <remarks>
    /// <para>Claim: with the terms of <see cref="BvtBounds.TermNs"/> over all that may ever share a CPU with it, it is dispatched or blocks within the smallest w
    /// that is at least the sum of (n + floor((w + o) / H)) times each term, and m; n is 1 and m is 0 where it stays on its CPU, else n is 2 and
    /// m is 2 o.</para>
    /// <para>Proof: while j waits its CPU is never idle. What an i runs there before j from when it comes, or j does, to when it
    /// leaves is at most its term: its A begins at SVT or later, and the rest is as on one CPU. So count how often i comes. It was
    /// there when j woke, or on the way, or comes to where j waits; whichever is first is the first time. For every other it has been moved
    /// since, to a CPU that is not idle: H after its last move. Those are floor((w + o) / H) at most. j itself is moved once at
    /// most, to where i may be already: one more; the move takes o, and so does the end of the turn that it finds there.</para>
    /// <para><i>Units</i>: as there; <see cref="long.MaxValue"/> where there is no bound.</para>
    /// </remarks>
    /// <param name="sharers">The parameters of the vCPU and of all that may share a CPU with it.</param>
    /// <param name="vcpu">Its index.</param>
    /// <param name="allowanceNs">C.</param>
    /// <param name="overrunNs">o.</param>
    /// <param name="lagNs">A - SVT when it wakes.</param>
    /// <param name="warped">Whether its warp applies.</param>
    /// <param name="moves">Whether it moves itself.</param>
    /// <param name="each">What each of the others adds; in that order.</param>
    public static long DispatchNs(
        ReadOnlySpan<BvtParameters> sharers, int vcpu, long allowanceNs, long overrunNs, long lagNs, bool warped, bool moves, Span<long> each)
    {
        Int128 sum = 0;
        for (int i = 0; i < sharers.Length; i++)
        {
            each[i] = i == vcpu ? 0 : BvtBounds.TermNs(sharers, vcpu, i, allowanceNs, overrunNs, lagNs, warped);
            sum += each[i];
        }

        int first = moves ? 2 : 1;
        Int128 move = moves && sum > 0 ? 2 * (Int128)overrunNs : 0;
        Int128 wait = move + (sum * first);
        for (int round = 0; round < MostRounds && wait <= long.MaxValue; round++)
        {
            Int128 times = first + ((wait + overrunNs) / PoolBalancer.HoldNs);
            if (move + (times * sum) == wait)
            {
                Times(each, (long)times);
                return (long)wait;
            }

            wait = move + (times * sum);
        }

        Times(each, long.MaxValue);
        return long.MaxValue;
    }

    /// <summary>The same whatever it did before.</summary>
    public static long WorstDispatchNs(
        ReadOnlySpan<BvtParameters> sharers, int vcpu, long allowanceNs, long overrunNs, bool moves, Span<long> each) =>
        DispatchNs(
            sharers, vcpu, allowanceNs, overrunNs, BvtBounds.LagNs(sharers[vcpu], allowanceNs, overrunNs),
            warped: sharers[vcpu].WarpLimitNs == 0, moves, each);

    private static void Times(Span<long> each, long times)
    {
        foreach (ref long one in each)
        {
            Int128 product = (Int128)one * times;
            one = product > long.MaxValue ? long.MaxValue : (long)product;
        }
    }
}
