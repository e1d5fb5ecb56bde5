using System.Diagnostics;

namespace Bulkhead.Machine.Time;

/// <summary>How the host's TSC relates to CLOCK_MONOTONIC, measured once per process start.</summary>
/// <remarks>
/// <i>Units</i>: Hz; a pair (ns, TSC) taken together. <i>Cost</i>: 20 ms at the start; each pair is the tightest of several
/// readings, so a preemption between the two does not spoil it. 20 ms with pairs good to 50 ns give 5 ppm.
/// </remarks>
public sealed class TscRate
{
    private const long NsPerSecond = 1_000_000_000;
    private const int Readings = 16;

    private TscRate(ulong hz, long ns, ulong tsc)
    {
        Hz = hz;
        BaseNs = ns;
        BaseTsc = tsc;
    }

    /// <summary>The TSC's frequency.</summary>
    public ulong Hz { get; }

    /// <summary>A moment of CLOCK_MONOTONIC.</summary>
    public long BaseNs { get; }

    /// <summary>The host's TSC at <see cref="BaseNs"/>.</summary>
    public ulong BaseTsc { get; }

    /// <summary>A known rate; for tests and for hosts that state it.</summary>
    public static TscRate Known(ulong hz, long ns, ulong tsc) => new(hz, ns, tsc);

    /// <summary>Measures for <paramref name="durationNs"/>, spinning.</summary>
    public static TscRate Measure(Func<ulong> hostTsc, long durationNs = 20_000_000)
    {
        (long ns0, ulong tsc0) = Pair(hostTsc);
        while (Stopwatch.GetTimestamp() - ns0 < durationNs)
        {
        }

        (long ns1, ulong tsc1) = Pair(hostTsc);
        return new TscRate((ulong)((UInt128)(tsc1 - tsc0) * NsPerSecond / (ulong)(ns1 - ns0)), ns0, tsc0);
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
