using System.Diagnostics;

namespace Bulkhead.Machine.Time;

/// <summary>The frequency of the host's TSC, measured against CLOCK_MONOTONIC once per process start.</summary>
/// <remarks>
/// <i>Units</i>: Hz. <i>Cost</i>: 4 ms at the start, spinning; each end is the tightest of several readings, so a preemption
/// between the two does not spoil it. Ends good to 20 ns make 10 ppm at worst, less than clocks differ among themselves.
/// </remarks>
public sealed record TscRate(ulong Hz)
{
    private const ulong NsPerSecond = 1_000_000_000;
    private const int Readings = 32;

    /// <summary>Measures for <paramref name="durationNs"/>.</summary>
    public static TscRate Measure(Func<ulong> hostTsc, long durationNs = 4_000_000)
    {
        (long ns0, ulong tsc0) = Pair(hostTsc);
        while (Stopwatch.GetTimestamp() - ns0 < durationNs)
        {
        }

        (long ns1, ulong tsc1) = Pair(hostTsc);
        return new TscRate((ulong)((UInt128)(tsc1 - tsc0) * NsPerSecond / (ulong)(ns1 - ns0)));
    }

    private static (long Ns, ulong Tsc) Pair(Func<ulong> hostTsc)
    {
        (long Ns, ulong Tsc) best = default;
        ulong width = ulong.MaxValue;
        for (int i = 0; i < Readings; i++)
        {
            ulong before = hostTsc();
            long ns = Stopwatch.GetTimestamp();
            ulong after = hostTsc();
            if (after - before < width)
            {
                width = after - before;
                best = (ns, before + (width / 2));
            }
        }

        return best;
    }
}
