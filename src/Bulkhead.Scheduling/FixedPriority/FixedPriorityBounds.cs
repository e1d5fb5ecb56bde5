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

    /// <summary>The longest time from wake-up to dispatch, whatever those of lower priority do.</summary>
    /// <remarks>
    /// <para>Claim: the smallest w that is at least (slice + o) for each other of its priority and, for each of a higher one,
    /// (floor((w + o) / T) + 1) C; no bound where one of these promises nothing, or their C / T sum to 1 or more.</para>
    /// <para>Proof: let t be the last time up to the wake-up at which no higher work was pending. From t until the dispatch the pCPU
    /// runs only higher work that came in that time, and from the wake-up a slice and o of each equal (<see cref="Ring"/>).
    /// In a time w as many wake-ups fall as above, one of them up to o late. At the smallest w nothing is left to run.</para>
    /// <para><i>Units</i>: nanoseconds; <see cref="long.MaxValue"/> = no bound.</para>
    /// </remarks>
    /// <param name="queue">All vCPUs of the pCPU.</param>
    /// <param name="vcpu">The index of the one that wakes.</param>
    /// <param name="sliceNs">The slice.</param>
    /// <param name="overrunNs">o.</param>
    /// <param name="terms">Takes what each other adds, where long enough.</param>
    public static long DispatchNs(
        ReadOnlySpan<FixedPriorityParameters> queue, int vcpu, long sliceNs, long overrunNs, Span<long> terms = default)
    {
        long window = 0;
        for (int step = 0; step < MostSteps; step++)
        {
            Int128 sum = 0;
            for (int other = 0; other < queue.Length; other++)
            {
                if (other != vcpu)
                {
                    long term = TermNs(queue[vcpu], queue[other], window, sliceNs, overrunNs);
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

            if (sum > long.MaxValue / 4)
            {
                break;
            }

            window = (long)sum;
        }

        return long.MaxValue;
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

    private static long TermNs(
        in FixedPriorityParameters own, in FixedPriorityParameters other, long windowNs, long sliceNs, long overrunNs) =>
        other.Priority < own.Priority ? 0
        : other.Priority == own.Priority ? sliceNs + overrunNs
        : other.IsDeclared ? (long)Int128.Min((((windowNs + overrunNs) / other.PeriodNs) + 1) * (Int128)other.BudgetNs, long.MaxValue)
        : long.MaxValue;
}
