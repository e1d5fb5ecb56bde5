using System.Numerics;

namespace Bulkhead.Core.Time;

/// <summary>Counts durations in classes an eighth of a power of two wide, so that percentiles are off by 12.5% at most.</summary>
/// <remarks><i>Threading</i>: one thread adds, any reads. <i>Cost</i>: an increment; nothing is allocated.</remarks>
public sealed class LatencyHistogram
{
    /// <summary>How many classes there are.</summary>
    public const int Classes = (64 - SubBits) << SubBits;

    private const int SubBits = 3;
    private const int Sub = 1 << SubBits;
    private readonly long[] _counts = new long[Classes];

    /// <summary>Counts one duration; a negative one is 0.</summary>
    public void Add(long ns)
    {
        ref long count = ref _counts[ClassOf(Math.Max(ns, 0))];
        Volatile.Write(ref count, count + 1);
    }

    /// <summary>Adds what was counted so far to <paramref name="sums"/>, one for each of <see cref="Classes"/>.</summary>
    public void AddTo(Span<long> sums)
    {
        for (int i = 0; i < Classes; i++)
        {
            sums[i] += Volatile.Read(ref _counts[i]);
        }
    }

    /// <summary>The duration that <paramref name="percent"/> of the counted ones do not exceed; false where there are none.</summary>
    /// <remarks>The longest duration of the class it falls into: never too short.</remarks>
    public static bool TryPercentile(ReadOnlySpan<long> counts, double percent, out long ns)
    {
        long total = 0;
        foreach (long count in counts)
        {
            total += count;
        }

        long left = (long)Math.Ceiling(total * percent / 100);
        ns = 0;
        for (int i = 0; total > 0 && i < counts.Length; i++)
        {
            left -= counts[i];
            if (left <= 0)
            {
                ns = LongestOf(i);
                return true;
            }
        }

        return false;
    }

    // Below 8 every value has a class of its own; then eight classes for each power of two.
    private static int ClassOf(long ns)
    {
        int shift = Math.Max(BitOperations.Log2((ulong)ns) - SubBits, 0);
        return (shift << SubBits) + (int)(ns >> shift);
    }

    private static long LongestOf(int i)
    {
        int shift = Math.Max((i >> SubBits) - 1, 0);
        ulong first = (ulong)(i - (shift << SubBits));
        return (long)Math.Min(((first + 1) << shift) - 1, long.MaxValue);
    }
}
