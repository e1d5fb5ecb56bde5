namespace Bulkhead.Machine.Simulation;

/// <summary>Places times on a line, with marks at round ones.</summary>
internal sealed class TimeAxis(long endNs, double left, double width)
{
    private const int MostTicks = 10;

    /// <summary>Where a time lies.</summary>
    internal double At(long ns) => left + (width * ns / endNs);

    /// <summary>Round times from 0 to the end, at most eleven: multiples of 1, 2 or 5 times a power of ten.</summary>
    internal IEnumerable<long> Ticks()
    {
        long step = Step();
        for (long ns = 0; ns <= endNs; ns += step)
        {
            yield return ns;
        }
    }

    private long Step()
    {
        for (long power = 1; ; power *= 10)
        {
            foreach (int factor in (ReadOnlySpan<int>)[1, 2, 5])
            {
                if (endNs / (power * factor) <= MostTicks)
                {
                    return power * factor;
                }
            }
        }
    }
}
