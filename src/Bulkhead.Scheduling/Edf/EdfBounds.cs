using System.Numerics;

namespace Bulkhead.Scheduling.Edf;

/// <summary>What reservations guarantee, computed from the parameters alone.</summary>
/// <remarks>
/// <para><i>Model</i>: one pCPU whose reservations fit (<see cref="Fits"/>); parameters constant; a turn exceeds its budget,
/// and a wake-up goes unnoticed, by at most the overrun o, which is at most the smallest budget Q; a deadline's ties count against the
/// one that asks. What happens outside the queue is not in here.</para>
/// <para><i>Lemma 1, demand</i>: in budgets that begin and end their time within an interval of length L, server i
/// takes at most L Q_i / P_i, and o. A budget that is kept holds for P_i and is at most Q_i. One that is replaced on
/// waking, at r, had c &gt; (d - r) Q / P left, so was used for less than (r - (d - P)) Q / P. What exceeds one is taken
/// from the next.</para>
/// <para><i>Lemma 2, a window</i>: in any w it takes at most 2 Q_i + (w + late - 2 Q_i) Q_i / P_i, and o: one budget just
/// before its deadline, or late behind it, the next at once, and lemma 1 in between and after.</para>
/// <para><i>Deadlines hold</i>: with o = 0 each server has its whole budget by its deadline if it wants it. Proof: the
/// processor demand argument. Let a budget with deadline d be late, and t the last time before d at which no budget
/// with a deadline up to d was wanted. In [t, d] the pCPU only runs such budgets, all begun in it; they are more than
/// d - t; by lemma 1 they are at most (d - t) times the sum of Q / P, which is at most d - t. With o &gt; 0 it is
/// late by o per other server, and one o for the turn that t found running: late = o times the number of servers.</para>
/// </remarks>
public static class EdfBounds
{
    private const int MostSteps = 10_000;

    /// <summary>Whether the reservations can all be kept: the sum of (Q + switch) / P is at most 1, exactly.</summary>
    /// <param name="queue">All vCPUs of the pCPU.</param>
    /// <param name="switchNs">What is added to each budget for the cost of getting in and out of its turns; may be 0.</param>
    public static bool Fits(ReadOnlySpan<EdfParameters> queue, long switchNs = 0)
    {
        BigInteger over = 0;
        BigInteger under = 1;
        foreach (EdfParameters one in queue)
        {
            if (one.IsReserved)
            {
                over = (over * one.PeriodNs) + (under * (one.BudgetNs + switchNs));
                under *= one.PeriodNs;
            }
        }

        return over <= under;
    }

    /// <summary>The longest time from wake-up to dispatch of a vCPU that has budget left, or that has no reservation.</summary>
    /// <remarks>
    /// <para>Claim: it is at most the smallest w that is at least the sum of what the others can run before it in w; and, with a
    /// reservation, at most P - Q, o per server, and one o more.</para>
    /// <para>Proof: while it waits the pCPU is never idle and runs only what comes before it. With a deadline d &lt;= now + P
    /// that is, of i: nothing but the budget it has, where P_i &gt; P + late, since a later one ends behind d; else by lemma 2, and by
    /// lemma 1 no more than the budget it has and (P + late) Q_i / P_i. Without a reservation: lemma 2, and a slice and o of each
    /// other in the ring (<see cref="Ring"/>). The sum's slope is below 1 (else there is no bound), so that beyond w nothing is left to run. The
    /// second: with c left and
    /// x to the deadline it has run Q - c, so that x - c &lt;= P - Q and o; and by the deadline it has c.</para>
    /// <para><i>Units</i>: nanoseconds; <see cref="long.MaxValue"/> = no bound.</para>
    /// </remarks>
    /// <param name="queue">The parameters of all vCPUs of the pCPU.</param>
    /// <param name="vcpu">The index of the one that wakes.</param>
    /// <param name="sliceNs">The slice on unreserved time.</param>
    /// <param name="overrunNs">o.</param>
    /// <param name="terms">Takes what each other adds, where long enough; all 0 where the deadline bounds the wait.</param>
    public static long LevelDispatchNs(
        ReadOnlySpan<EdfParameters> queue, int vcpu, long sliceNs, long overrunNs, Span<long> terms = default)
    {
        terms.Clear();
        if (!IsBounded(queue, overrunNs))
        {
            return long.MaxValue;
        }

        if (!queue[vcpu].IsReserved)
        {
            return Window(queue, vcpu, sliceNs, overrunNs, inRing: true, terms);
        }

        long deadline = queue[vcpu].PeriodNs - queue[vcpu].BudgetNs + (overrunNs * (Reserved(queue) + 1));
        long wait = Window(queue, vcpu, sliceNs, overrunNs, inRing: false, terms, deadline);
        if (deadline < wait)
        {
            terms.Clear();
        }

        return Math.Min(wait, deadline);
    }

    /// <summary>The longest time from wake-up to dispatch, whatever it ran before.</summary>
    /// <remarks>
    /// <para>Claim: where its budget may be used up, P - Q + 2 o until it gets the next one (and P more where o takes all of
    /// that), and then <see cref="LevelDispatchNs"/>; and, where it may take extra time, no more than one without a
    /// reservation waits.</para>
    /// <para>Proof: a budget of Q - o at least, given P before d, cannot be used up before d - P + Q - o,
    /// and the turn that d finds running ends by d + o. The second: while it
    /// waits, first in the ring and then with a budget, none runs but those of that sum.</para>
    /// </remarks>
    /// <param name="queue">As there.</param>
    /// <param name="vcpu">As there.</param>
    /// <param name="sliceNs">As there.</param>
    /// <param name="overrunNs">As there.</param>
    /// <param name="terms">Takes what each other adds; at its own index, the wait for its next budget.</param>
    public static long WorstDispatchNs(
        ReadOnlySpan<EdfParameters> queue, int vcpu, long sliceNs, long overrunNs, Span<long> terms = default)
    {
        long level = LevelDispatchNs(queue, vcpu, sliceNs, overrunNs, terms);
        EdfParameters own = queue[vcpu];
        if (!own.IsReserved || level == long.MaxValue)
        {
            return level;
        }

        long next = own.PeriodNs - own.BudgetNs + (2 * overrunNs) + (overrunNs == own.BudgetNs ? own.PeriodNs : 0);
        long worst = level + next;
        if (own.Extra)
        {
            Span<long> ring = terms.IsEmpty ? [] : new long[queue.Length];
            long inRing = Window(queue, vcpu, sliceNs, overrunNs, inRing: true, ring);
            if (inRing < worst)
            {
                ring.CopyTo(terms);
                return inRing;
            }
        }

        if (!terms.IsEmpty)
        {
            terms[vcpu] = next;
        }

        return worst;
    }

    private static bool IsBounded(ReadOnlySpan<EdfParameters> queue, long overrunNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(overrunNs);
        foreach (EdfParameters one in queue)
        {
            one.Check();
            if (one.IsReserved && overrunNs > one.BudgetNs)
            {
                return false;
            }
        }

        return Fits(queue);
    }

    private static int Reserved(ReadOnlySpan<EdfParameters> queue)
    {
        int reserved = 0;
        foreach (EdfParameters one in queue)
        {
            reserved += one.IsReserved ? 1 : 0;
        }

        return reserved;
    }

    // The smallest w with w >= the sum of the others' terms for w, or MaxValue where it is above the most that is asked for.
    private static long Window(
        ReadOnlySpan<EdfParameters> queue, int vcpu, long sliceNs, long overrunNs, bool inRing, Span<long> terms,
        long mostNs = long.MaxValue / 4)
    {
        long lateNs = overrunNs * Reserved(queue);
        long window = Least(queue, vcpu, sliceNs, inRing);
        if (window < 0)
        {
            return long.MaxValue;
        }

        for (int step = 0; step < MostSteps; step++)
        {
            Int128 sum = 0;
            for (int other = 0; other < queue.Length; other++)
            {
                if (other != vcpu)
                {
                    long term = TermNs(queue[vcpu], queue[other], window, sliceNs, overrunNs, lateNs, inRing);
                    sum += term;
                    if (!terms.IsEmpty)
                    {
                        terms[other] = term;
                    }
                }
            }

            if (sum <= window)
            {
                return window;
            }

            if (sum > mostNs)
            {
                break;
            }

            window = (long)sum;
        }

        return long.MaxValue;
    }

    // Where to begin: 0, or in the ring, where every term is at least linear, what the linear ones give, less what a double may
    // err: near a full pCPU the steps from 0 would be many. Below 0: the reservations leave nothing.
    private static long Least(ReadOnlySpan<EdfParameters> queue, int vcpu, long sliceNs, bool inRing)
    {
        if (!inRing)
        {
            return 0;
        }

        double first = 0;
        double rest = 1;
        for (int other = 0; other < queue.Length; other++)
        {
            if (other != vcpu)
            {
                double part = queue[other].IsReserved ? (double)queue[other].BudgetNs / queue[other].PeriodNs : 0;
                first += (queue[other].TakesExtra ? sliceNs : 0) + (2 * queue[other].BudgetNs * (1 - part));
                rest -= part;
            }
        }

        return rest < 1e-9 ? -1 : (long)Math.Min(first / rest * (1 - 1e-6), long.MaxValue / 8);
    }

    private static long TermNs(
        in EdfParameters own, in EdfParameters other, long windowNs, long sliceNs, long overrunNs, long lateNs, bool inRing)
    {
        long ring = inRing && other.TakesExtra ? sliceNs + overrunNs : 0;
        if (!other.IsReserved)
        {
            return ring;
        }

        long budget = other.BudgetNs;
        if (!inRing && other.PeriodNs > own.PeriodNs + lateNs)
        {
            return budget + overrunNs;
        }

        long later = budget + Part(other, Math.Max(windowNs + lateNs - (2 * budget), 0));
        return ring + overrunNs + budget + (inRing ? later : Math.Min(later, Part(other, own.PeriodNs + lateNs)));
    }

    // Its bandwidth of a time, rounded up.
    private static long Part(in EdfParameters one, long ns) =>
        (long)((((Int128)ns * one.BudgetNs) + one.PeriodNs - 1) / one.PeriodNs);
}
