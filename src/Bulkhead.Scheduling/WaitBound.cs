namespace Bulkhead.Scheduling;

/// <summary>The longest time from wake-up to dispatch, and what it is made of.</summary>
/// <param name="Ns">Real nanoseconds; <see cref="long.MaxValue"/> = no bound.</param>
/// <param name="Terms">What each other vCPU adds, in the queue's order; those that add nothing are there with 0. Where it moves itself: its move, under its own index.</param>
public sealed record WaitBound(long Ns, IReadOnlyList<WaitTerm> Terms)
{
    private const int MostSteps = 100_000;

    /// <summary>The smallest time w that is at least the sum of what the others run within w.</summary>
    /// <param name="termsWithin">The terms for a time w; they grow with it.</param>
    /// <param name="otherwise">Holds as well, and counts where there is no such w, or it is far to find.</param>
    /// <param name="farNs">Above this it is.</param>
    internal static WaitBound Smallest(Func<long, List<WaitTerm>> termsWithin, WaitBound? otherwise = null, long farNs = long.MaxValue / 4)
    {
        long window = 0;
        for (int step = 0; step < MostSteps; step++)
        {
            List<WaitTerm> terms = termsWithin(window);
            Int128 sum = Sum(terms);
            if (sum <= window)
            {
                return new WaitBound(window, terms);
            }

            if (sum > farNs)
            {
                return otherwise ?? new WaitBound(long.MaxValue, terms);
            }

            window = (long)sum;
        }

        return otherwise ?? new WaitBound(long.MaxValue, termsWithin(window));
    }

    /// <summary>The bound that is the sum of its terms.</summary>
    internal static WaitBound Of(IReadOnlyList<WaitTerm> terms)
    {
        Int128 sum = Sum(terms);
        return new WaitBound(sum > long.MaxValue ? long.MaxValue : (long)sum, terms);
    }

    /// <summary>A term that often; at most <see cref="long.MaxValue"/>.</summary>
    internal static long Times(long ns, long times)
    {
        Int128 product = (Int128)ns * times;
        return product > long.MaxValue ? long.MaxValue : (long)product;
    }

    private static Int128 Sum(IReadOnlyList<WaitTerm> terms)
    {
        Int128 sum = 0;
        foreach (WaitTerm term in terms)
        {
            sum += term.Ns;
        }

        return sum;
    }
}
