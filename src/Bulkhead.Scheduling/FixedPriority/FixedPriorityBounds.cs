using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Scheduling.FixedPriority;

/// <summary>What fixed priorities guarantee where the guests above keep to what they promise.</summary>
/// <remarks>
/// <para><i>Model</i>: one pCPU; parameters constant; a vCPU with a higher priority wakes at most once per period T and then runs at most
/// its budget C; a turn exceeds its budget, and a wake-up goes unnoticed, by at most the overrun o.</para>
/// <para><i>Source</i>: M. Joseph, P. Pandya, "Finding response times in a real-time system", The Computer Journal 29(5), 1986;
/// N. Audsley, A. Burns et al., "Applying new scheduling theory to static priority pre-emptive scheduling", Software
/// Engineering Journal 8(5), 1993.</para>
/// </remarks>
public static class FixedPriorityBounds
{
    private const int MostSteps = 100_000;

    /// <summary>The longest time from wake-up to dispatch, while no budget of a class of its own is used up.</summary>
    public static WaitBound Level(ReadOnlySpan<FixedPriorityVcpu> queue, int vcpu, long sliceNs, long overrunNs) =>
        Dispatch(queue, vcpu, sliceNs, overrunNs, queue[vcpu].LevelPriority);

    /// <summary>The longest time from wake-up to dispatch, whatever it did before.</summary>
    public static WaitBound Worst(ReadOnlySpan<FixedPriorityVcpu> queue, int vcpu, long sliceNs, long overrunNs) =>
        Dispatch(queue, vcpu, sliceNs, overrunNs, queue[vcpu].WorstPriority);

    /// <summary>The longest time from wake-up to dispatch, whatever those of lower priority do.</summary>
    /// <remarks>
    /// <para>Claim: the smallest w that is at least the sum of the terms of the others. For one that may have a higher priority of its own or in
    /// a class without a limit: (floor((w + o) / T) + 1) C, and C more where it may have another that is not higher, or the one that
    /// wakes may have been above it. For any other: what the budgets of its higher classes let it run within w
    /// (<see cref="ClassBudget.MostNs"/>), and slice + o where it may have the same priority. No bound where one of the first kind
    /// promises nothing, or all of the pCPU is theirs.</para>
    /// <para>Proof: let t be the last time up to the wake-up at which none of the first kind was pending with a higher priority. From t until
    /// the dispatch the pCPU runs only their work, which came in that time or was left when they were not higher (C at most, since who
    /// has not done its work does not wake), what others run in higher classes,
    /// and from the wake-up a slice and o of each equal (<see cref="Ring"/>; who leaves the priority and comes back is behind it).
    /// In a time w as many wake-ups fall as above, one of them up to o late. At the smallest w nothing is left to run, and the wait is
    /// no longer than the time from t. Where the one that wakes held them up itself before, let t be the wake-up: of what they then have
    /// left, C each is the most.</para>
    /// <para><i>Units</i>: nanoseconds; <see cref="long.MaxValue"/> = no bound.</para>
    /// </remarks>
    /// <param name="queue">All vCPUs of the pCPU.</param>
    /// <param name="vcpu">The index of the one that wakes.</param>
    /// <param name="sliceNs">The slice.</param>
    /// <param name="overrunNs">o.</param>
    /// <param name="priority">The least priority with which it waits.</param>
    public static WaitBound Dispatch(ReadOnlySpan<FixedPriorityVcpu> queue, int vcpu, long sliceNs, long overrunNs, int priority)
    {
        FixedPriorityVcpu[] all = queue.ToArray();
        long slice = checked(sliceNs + overrunNs);
        bool wasAbove = Enumerable.Range(0, all[vcpu].Classes.Count + 1).Any(place => all[vcpu].PriorityIn(place) > priority);
        return WaitBound.Smallest(window =>
        {
            var terms = new List<WaitTerm>();
            for (int i = 0; i < all.Length; i++)
            {
                if (i != vcpu)
                {
                    AddTerms(terms, all[i], i, (priority, wasAbove), window, slice, overrunNs);
                }
            }

            return terms;
        });
    }

    /// <summary>The longest time from wake-up to the end of what it promises, R = C + sum of ceil(R / T) C of the higher ones.</summary>
    /// <remarks>The textbook's: no overrun, and no two of one priority. <see cref="long.MaxValue"/> where there is none.</remarks>
    public static long ResponseNs(ReadOnlySpan<FixedPriorityParameters> queue, int vcpu)
    {
        Int128 response = queue[vcpu].BudgetNs;
        for (int step = 0; step < MostSteps && response < long.MaxValue / 4; step++)
        {
            Int128 sum = queue[vcpu].BudgetNs;
            foreach (FixedPriorityParameters other in queue)
            {
                if (other.Priority > queue[vcpu].Priority)
                {
                    sum += other.IsDeclared ? (response + other.PeriodNs - 1) / other.PeriodNs * other.BudgetNs : long.MaxValue;
                }
            }

            if (sum == response)
            {
                return (long)response;
            }

            response = sum;
        }

        return long.MaxValue;
    }

    private static void AddTerms(
        List<WaitTerm> terms, FixedPriorityVcpu other, int index, (int Priority, bool WasAbove) woken, long windowNs, long sliceNs, long overrunNs)
    {
        int priority = woken.Priority;
        FixedPriorityParameters own = other.Own;
        bool isHigher = own.Priority > priority || other.Classes.Any(c => c.Priority > priority && !c.Rule.Budget.IsLimited);
        bool mayBeEqual = own.Priority == priority || other.Classes.Any(c => c.Priority == priority);
        bool hasLeft = woken.WasAbove || own.Priority <= priority || other.Classes.Any(c => c.Priority <= priority);
        terms.Add(new WaitTerm(
            index,
            0,
            !isHigher ? mayBeEqual ? sliceNs : 0
            : own.IsDeclared ? (long)Int128.Min((((windowNs + overrunNs) / own.PeriodNs) + (hasLeft ? 2 : 1)) * (Int128)own.BudgetNs, long.MaxValue)
            : long.MaxValue));
        for (int i = 0; i < other.Classes.Count && !isHigher; i++)
        {
            if (other.Classes[i].Priority > priority)
            {
                terms.Add(new WaitTerm(index, i + 1, other.Classes[i].Rule.Budget.MostNs(windowNs, overrunNs)));
            }
        }
    }
}
