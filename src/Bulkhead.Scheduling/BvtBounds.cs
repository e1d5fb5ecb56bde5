namespace Bulkhead.Scheduling;

/// <summary>What Borrowed Virtual Time guarantees, computed from the parameters alone.</summary>
/// <remarks>
/// <para><i>Model</i>: one pCPU; parameters constant; vCPUs block voluntarily (one that was stopped by us is owed time, and
/// adds what it is owed); C is the allowance; a turn exceeds its budget, and a wake-up goes unnoticed, by at most the
/// overrun o; 1 ns is the rounding of a budget to whole nanoseconds. W is the usable warp; it counts in full whether or
/// not it applies at the moment. What happens outside the queue, from the interrupt to the call of
/// <see cref="BvtQueue.Wake"/>, is not in here.</para>
/// <para><i>Lemma 1, SVT never falls</i>: it is the least A of the runnable. A grows; leaving can only raise the least; who
/// wakes or is added enters at A &gt;= SVT; an empty queue keeps its last value.</para>
/// <para><i>Lemma 2, a turn</i>: who is dispatched has the smallest E, and i runs on only while
/// w_i (E_i - E_j) &lt; C for every runnable j. So while i runs, E_i &lt;= E_j + (C + 1 + o) / w_i.</para>
/// </remarks>
public static class BvtBounds
{
    /// <summary>How far a vCPU's A can be ahead of SVT, and so of any other runnable vCPU's A, at any instant.</summary>
    /// <remarks>
    /// <para>Claim: A_i &lt;= SVT + W_i + (C + 1 + o) / w_i at every instant, for every i, runnable or not.</para>
    /// <para>Proof: it holds when i is added (A = SVT). SVT never falls (lemma 1), so it can only break while A_i grows. It
    /// grows in two ways. On waking, to SVT: holds. By running: let k be the runnable vCPU with A_k = SVT. If k = i,
    /// holds. Else, by lemma 2, A_i - W_i &lt;= E_i &lt;= E_k + (C + 1 + o) / w_i &lt;= A_k + (C + 1 + o) / w_i. If E_k has
    /// just fallen (k woke, or regained its warp), A_i satisfied the claim without o before, and runs on for at most o.
    /// So for two runnable vCPUs |A_i - A_j| is at most the larger of their bounds, since A_j &gt;= SVT.</para>
    /// <para>Consequence: over any time in which both stay runnable, the real times they get satisfy
    /// |t_i / w_i - t_j / w_j| &lt;= the sum of their bounds, however long the time: shares are by weight, warp or not.</para>
    /// <para><i>Units</i>: virtual nanoseconds, rounded up.</para>
    /// </remarks>
    public static long LagNs(in BvtParameters vcpu, long allowanceNs, long overrunNs)
    {
        vcpu.Check();
        long real = checked(allowanceNs + overrunNs + 1);
        return vcpu.UsableWarpNs + (real / vcpu.Weight) + (real % vcpu.Weight == 0 ? 0 : 1);
    }

    /// <summary>The longest time from wake-up to dispatch, whatever anybody did before.</summary>
    /// <remarks>
    /// <see cref="DispatchNs"/> at the largest lag; without the
    /// vCPU's own warp where it has a limit, because it may just have lost it.
    /// </remarks>
    public static long WorstDispatchNs(
        ReadOnlySpan<BvtParameters> queue, int vcpu, long allowanceNs, long overrunNs) =>
        DispatchNs(queue, vcpu, allowanceNs, overrunNs, LagNs(queue[vcpu], allowanceNs, overrunNs), KeepsWarp(queue[vcpu]));

    /// <summary>What one other vCPU adds to <see cref="WorstDispatchNs"/>.</summary>
    /// <remarks><i>Units</i>: as there.</remarks>
    public static long WorstTermNs(
        ReadOnlySpan<BvtParameters> queue, int vcpu, int other, long allowanceNs, long overrunNs) =>
        TermNs(queue, vcpu, other, allowanceNs, overrunNs, LagNs(queue[vcpu], allowanceNs, overrunNs), KeepsWarp(queue[vcpu]));

    // A limit may have taken its warp.
    private static bool KeepsWarp(in BvtParameters vcpu) => vcpu.WarpLimitNs == 0;

    /// <summary>The longest time from wake-up to dispatch of a vCPU that is at most <paramref name="lagNs"/> ahead.</summary>
    /// <remarks>
    /// <para>Claim: with l = A_j - SVT when j wakes, and W_j = 0 where its warp does not apply, j is dispatched or blocks
    /// within the sum, over the other i with W_i + l &gt;= W_j, of w_i (W_i + l - W_j) + C + 1 + o.</para>
    /// <para>Proof: while j waits A_j and E_j stand still (regaining its warp lowers E_j, which only helps), and the pCPU
    /// is never idle. An i with W_i + l &lt; W_j has E_i &gt;= SVT - W_i &gt; A_j - W_j = E_j from then on (lemma 1). If it is
    /// running when j wakes, the next pick ends its turn; and it is not dispatched again, the smallest E being another's.
    /// Any other i runs only while E_i &lt;= E_j + (C + 1 + o) / w_i (lemma 2), so A_i ends at most at
    /// A_j - W_j + W_i + (C + 1 + o) / w_i; it began at SVT or later (lemma 1); times w_i that is its term. The wait is
    /// the sum of what the others run.</para>
    /// <para>Reading: with l = 0 only vCPUs that warp at least as far count, with W_j the largest nobody does, and dispatch
    /// is immediate. The warp is a loan: a vCPU that has run w_j W_j ahead of the rest has used it up.</para>
    /// <para><i>Units</i>: <paramref name="lagNs"/> virtual, the result real nanoseconds; at most
    /// <see cref="long.MaxValue"/>.</para>
    /// </remarks>
    /// <param name="queue">The parameters of all vCPUs that may share the pCPU.</param>
    /// <param name="vcpu">The index of the one that wakes.</param>
    /// <param name="allowanceNs">C.</param>
    /// <param name="overrunNs">How far a turn may exceed its budget.</param>
    /// <param name="lagNs">A - SVT of the vCPU when it wakes, at least 0.</param>
    /// <param name="warped">Whether its warp applies when it wakes.</param>
    public static long DispatchNs(
        ReadOnlySpan<BvtParameters> queue, int vcpu, long allowanceNs, long overrunNs, long lagNs, bool warped)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lagNs);
        Int128 sum = 0;
        for (int other = 0; other < queue.Length; other++)
        {
            sum += other == vcpu ? 0 : TermNs(queue, vcpu, other, allowanceNs, overrunNs, lagNs, warped);
        }

        return sum > long.MaxValue ? long.MaxValue : (long)sum;
    }

    /// <summary>What one other vCPU adds to <see cref="DispatchNs"/>: how long it may run before the one that wakes.</summary>
    /// <remarks><i>Units</i>: as there.</remarks>
    public static long TermNs(
        ReadOnlySpan<BvtParameters> queue, int vcpu, int other, long allowanceNs, long overrunNs, long lagNs, bool warped)
    {
        long own = warped ? queue[vcpu].UsableWarpNs : 0;
        Int128 ahead = (Int128)queue[other].UsableWarpNs + lagNs - own;
        Int128 term = ahead < 0 ? 0 : (ahead * queue[other].Weight) + allowanceNs + 1 + overrunNs;
        return term > long.MaxValue ? long.MaxValue : (long)term;
    }

    /// <summary>The lag below which the vCPU's warp puts it before all others: with less, dispatch is immediate.</summary>
    /// <remarks>
    /// <i>Units</i>: virtual nanoseconds; 0 where another warps as far. Times the weight it is the real time the vCPU may
    /// run after it was last level with the others and still be first on its next wake-up.
    /// </remarks>
    public static long LoanNs(ReadOnlySpan<BvtParameters> queue, int vcpu)
    {
        long loan = queue[vcpu].UsableWarpNs;
        for (int other = 0; other < queue.Length; other++)
        {
            if (other != vcpu)
            {
                loan = Math.Min(loan, queue[vcpu].UsableWarpNs - queue[other].UsableWarpNs);
            }
        }

        return Math.Max(loan, 0);
    }
}
