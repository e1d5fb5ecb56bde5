using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Scheduling;

/// <summary>What Borrowed Virtual Time guarantees, computed from the parameters alone.</summary>
/// <remarks>
/// <para><i>Model</i>: one pCPU; parameters and classes constant, while each vCPU may go from one of its classes to another whenever it
/// runs, wakes, or a class's budget comes back; vCPUs block voluntarily (one that was stopped by us is owed time, and
/// adds what it is owed); C is the allowance; a turn exceeds its budget, and a wake-up goes unnoticed, by at most the
/// overrun o; 1 ns is the rounding of a budget to whole nanoseconds. W is the largest usable warp of any of its classes; it counts in full
/// whether or not it applies at the moment. What happens outside the queue, from the interrupt to the call of
/// <see cref="BvtQueue.Wake"/>, is not in here.</para>
/// <para><i>Lemma 1, SVT never falls</i>: it is the least A of the runnable. A grows; leaving can only raise the least; who
/// wakes or is added enters at A &gt;= SVT; an empty queue keeps its last value. A change of class moves no A.</para>
/// <para><i>Lemma 2, a turn</i>: who is dispatched has the smallest E, and i runs on only while
/// w_i (E_i - E_j) &lt; C for every runnable j. So while i runs, E_i &lt;= E_j + (C + 1 + o) / w_i. A turn has one class: where it
/// changes, the turn ends, and who then runs has the smallest E.</para>
/// </remarks>
public static class BvtBounds
{
    /// <summary>How far a vCPU's A can be ahead of SVT, and so of any other runnable vCPU's A, at any instant.</summary>
    /// <remarks>
    /// <para>Claim: A_i &lt;= SVT + W_i + (C + 1 + o) / w_i at every instant, for every i, runnable or not.</para>
    /// <para>Proof: it holds when i is added (A = SVT). SVT never falls (lemma 1), so it can only break while A_i grows. It
    /// grows in two ways. On waking, to SVT: holds. By running: let k be the runnable vCPU with A_k = SVT. If k = i,
    /// holds. Else, by lemma 2, A_i - W_i &lt;= E_i &lt;= E_k + (C + 1 + o) / w_i &lt;= A_k + (C + 1 + o) / w_i. If E_k has
    /// just fallen (k woke, or regained its warp or a class), A_i satisfied the claim without o before, and runs on for at most o.
    /// So for two runnable vCPUs |A_i - A_j| is at most the larger of their bounds, since A_j &gt;= SVT.</para>
    /// <para>Consequence: over any time in which both stay runnable, the real times they get satisfy
    /// |t_i / w_i - t_j / w_j| &lt;= the sum of their bounds, however long the time: shares are by weight, warp or not, whatever
    /// classes they claim.</para>
    /// <para><i>Units</i>: virtual nanoseconds, rounded up.</para>
    /// </remarks>
    public static long LagNs(BvtVcpu vcpu, long allowanceNs, long overrunNs)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        vcpu.Own.Check();
        long real = checked(allowanceNs + overrunNs + 1);
        int weight = vcpu.Own.Weight;
        return vcpu.MostWarpNs + (real / weight) + (real % weight == 0 ? 0 : 1);
    }

    /// <summary>The longest time from wake-up to dispatch while it is not ahead, and neither its warp nor a budget is used up.</summary>
    public static WaitBound Level(ReadOnlySpan<BvtVcpu> queue, int vcpu, long allowanceNs, long overrunNs) =>
        Dispatch(queue, vcpu, allowanceNs, overrunNs, lagNs: 0, queue[vcpu].LevelWarpNs);

    /// <summary>The longest time from wake-up to dispatch, whatever anybody did before.</summary>
    public static WaitBound Worst(ReadOnlySpan<BvtVcpu> queue, int vcpu, long allowanceNs, long overrunNs) =>
        Dispatch(queue, vcpu, allowanceNs, overrunNs, LagNs(queue[vcpu], allowanceNs, overrunNs), queue[vcpu].WorstWarpNs);

    /// <summary>The longest time from wake-up to dispatch of a vCPU that is at most <paramref name="lagNs"/> ahead.</summary>
    /// <remarks>
    /// <para>Claim 1: with l = A_j - SVT when j wakes, and W_j the warp it waits with, j is dispatched or blocks
    /// within the sum, over the other i with W_i + l &gt;= W_j, of w_i (W_i + l - W_j) + C + 1 + o.</para>
    /// <para>Proof: while j waits A_j and E_j stand still (regaining a warp lowers E_j, which only helps), and the pCPU
    /// is never idle. An i with W_i + l &lt; W_j has E_i &gt;= SVT - W_i &gt; A_j - W_j = E_j from then on (lemma 1), whatever its class. If it is
    /// running when j wakes, the next pick ends its turn; and it is not dispatched again, the smallest E being another's.
    /// Any other i runs only while E_i &lt;= E_j + (C + 1 + o) / w_i (lemma 2), so A_i ends at most at
    /// A_j - W_j + W_i + (C + 1 + o) / w_i; it began at SVT or later (lemma 1); times w_i that is its term. The wait is
    /// the sum of what the others run.</para>
    /// <para>Claim 2: for any V, a term may be replaced by the same with V in place of W_i, and for each class k of i with W_k &gt; V and
    /// W_k + l &gt;= W_j what its budget lets i run within the wait (<see cref="ClassBudget.MostNs"/>); V is at least the warp of every
    /// class without a limit, i's own parameters among them.</para>
    /// <para>Proof: take the last time before the dispatch at which i runs with a warp of at most V. Up to there all it ran moved A_i from
    /// SVT or later to A_j - W_j + V + (C + 1 + o) / w_i at most. What it runs after that, it runs in those classes; and in a class with
    /// W_k + l &lt; W_j it does not run at all.</para>
    /// <para>The bound is the smallest w that is at least the sum of the terms for a wait of w, each with the V for which it is least.</para>
    /// <para>Reading: with l = 0 only vCPUs that warp at least as far count, with W_j the largest nobody does, and dispatch
    /// is immediate. The warp is a loan: a vCPU that has run w_j W_j ahead of the rest has used it up.</para>
    /// <para><i>Units</i>: <paramref name="lagNs"/> and <paramref name="warpNs"/> virtual, the result real nanoseconds.</para>
    /// </remarks>
    /// <param name="queue">All vCPUs that may share the pCPU.</param>
    /// <param name="vcpu">The index of the one that wakes.</param>
    /// <param name="allowanceNs">C.</param>
    /// <param name="overrunNs">How far a turn may exceed its budget.</param>
    /// <param name="lagNs">A - SVT of the vCPU when it wakes, at least 0.</param>
    /// <param name="warpNs">The least warp with which it waits.</param>
    public static WaitBound Dispatch(ReadOnlySpan<BvtVcpu> queue, int vcpu, long allowanceNs, long overrunNs, long lagNs, long warpNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lagNs);
        BvtVcpu[] all = queue.ToArray();
        long realNs = checked(allowanceNs + 1 + overrunNs);
        Int128 leadNs = (Int128)lagNs - warpNs;
        WaitTerm[] loans = [.. Others(all, vcpu).Select(i => new WaitTerm(i, 0, TermNs(all[i], allowanceNs, overrunNs, lagNs, warpNs)))];
        var byLoan = WaitBound.Of(loans);
        return HasLimits(all)
            ? WaitBound.Smallest(
                window => [.. Others(all, vcpu).SelectMany(i => LeastTerms(all[i], i, leadNs, realNs, overrunNs, window, times: 1))], byLoan)
            : byLoan;
    }

    /// <summary>The lag below which the warp a vCPU wakes with puts it before all others: with less, dispatch is immediate.</summary>
    /// <remarks>
    /// <i>Units</i>: virtual nanoseconds; 0 where another may warp as far. Times the weight it is the real time the vCPU may
    /// run after it was last level with the others and still be first on its next wake-up.
    /// </remarks>
    public static long LoanNs(ReadOnlySpan<BvtVcpu> queue, int vcpu)
    {
        long warp = queue[vcpu].LevelWarpNs;
        long loan = warp;
        for (int other = 0; other < queue.Length; other++)
        {
            if (other != vcpu)
            {
                loan = Math.Min(loan, warp - queue[other].MostWarpNs);
            }
        }

        return Math.Max(loan, 0);
    }

    /// <summary>What one other vCPU adds by claim 1 of <see cref="Dispatch"/>: by its loan, whatever class it is in.</summary>
    /// <remarks><i>Units</i>: as there.</remarks>
    public static long TermNs(BvtVcpu other, long allowanceNs, long overrunNs, long lagNs, long warpNs)
    {
        ArgumentNullException.ThrowIfNull(other);
        return LoanTermNs(other, other.MostWarpNs, (Int128)lagNs - warpNs, checked(allowanceNs + 1 + overrunNs));
    }

    /// <summary>Whether claim 2 of <see cref="Dispatch"/> may give less than claim 1.</summary>
    internal static bool HasLimits(BvtVcpu[] all) => all.Any(static v => v.Classes.Any(static c => c.Rule.Budget.IsLimited));

    internal static IEnumerable<int> Others(BvtVcpu[] all, int vcpu) => Enumerable.Range(0, all.Length).Where(i => i != vcpu);

    // What i may run with a warp of this at most.
    private static long LoanTermNs(BvtVcpu other, long warpNs, Int128 leadNs, long realNs)
    {
        Int128 ahead = warpNs + leadNs;
        Int128 term = ahead < 0 ? 0 : (ahead * other.Own.Weight) + realNs;
        return term > long.MaxValue ? long.MaxValue : (long)term;
    }

    /// <summary>What one other vCPU adds by claim 2, for the V for which that is least.</summary>
    /// <param name="other">The other.</param>
    /// <param name="index">Its index.</param>
    /// <param name="leadNs">l - W_j.</param>
    /// <param name="realNs">C + 1 + o.</param>
    /// <param name="overrunNs">o.</param>
    /// <param name="windowNs">The wait.</param>
    /// <param name="times">How often it comes to where the one that wakes waits, and so has its loan.</param>
    internal static List<WaitTerm> LeastTerms(
        BvtVcpu other, int index, Int128 leadNs, long realNs, long overrunNs, long windowNs, long times)
    {
        BvtClass[] limited = [.. other.Classes.Where(static c => c.Rule.Budget.IsLimited)];
        long free = other.Classes.Where(static c => !c.Rule.Budget.IsLimited).Select(static c => c.WarpNs).Append(other.Own.UsableWarpNs).Max();
        // The largest V, all by loan, comes first.
        List<WaitTerm>? least = null;
        long leastNs = long.MaxValue;
        foreach (long warp in limited.Select(static c => c.WarpNs).Append(free).Where(w => w >= free).Distinct().OrderDescending())
        {
            var terms = new List<WaitTerm> { new(index, 0, WaitBound.Times(LoanTermNs(other, warp, leadNs, realNs), times)) };
            for (int i = 0; i < other.Classes.Count; i++)
            {
                (long own, ClassRule rule) = other.Classes[i];
                if (rule.Budget.IsLimited && own > warp && own + leadNs >= 0)
                {
                    terms.Add(new WaitTerm(index, i + 1, rule.Budget.MostNs(windowNs, overrunNs)));
                }
            }

            long sum = WaitBound.Of(terms).Ns;
            if (least is null || sum < leastNs)
            {
                (least, leastNs) = (terms, sum);
            }
        }

        return least ?? [];
    }
}
