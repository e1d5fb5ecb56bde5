using System.Diagnostics;
using Bulkhead.Core.Time;

namespace Bulkhead.Machine.Time;

/// <summary>The real clock of a domain: CLOCK_MONOTONIC, and the host's TSC plus one offset.</summary>
/// <remarks><i>Threading</i>: any; immutable. <i>Units</i>: nanoseconds are those of the host, so that deadlines of different
/// domains compare and a host timer can be armed with them.</remarks>
public sealed class RealClock : IClock
{
    private const ulong NsPerSecond = 1_000_000_000;
    private readonly Func<ulong> _hostTsc;
    private readonly TscRate _rate;

    /// <summary>Creates a clock.</summary>
    /// <param name="hostTsc">Reads the host's TSC.</param>
    /// <param name="rate">The measured rate.</param>
    /// <param name="tscOffset">Added to the host's TSC to give the guest's.</param>
    public RealClock(Func<ulong> hostTsc, TscRate rate, ulong tscOffset)
    {
        // Stopwatch is CLOCK_MONOTONIC in nanoseconds on Linux; the turn timers rely on it.
        Debug.Assert(Stopwatch.Frequency == (long)NsPerSecond);
        _hostTsc = hostTsc;
        _rate = rate;
        TscOffset = tscOffset;
    }

    /// <summary>A clock whose guest TSC starts near zero now.</summary>
    public static RealClock StartingNow(Func<ulong> hostTsc, TscRate rate) => new(hostTsc, rate, 0 - hostTsc());

    /// <summary>Added to the host's TSC to give the guest's, before the guest's own adjustment.</summary>
    public ulong TscOffset { get; }

    /// <inheritdoc/>
    public long NowNs => Stopwatch.GetTimestamp();

    /// <inheritdoc/>
    public ulong GuestTsc => _hostTsc() + TscOffset;

    /// <inheritdoc/>
    public ulong TscHz => _rate.Hz;

    /// <inheritdoc/>
    /// <remarks>Reckoned from now: the rate's error counts for as long as is waited, not for as long as the domain runs. The
    /// nanoseconds are read first, so that a preemption before the TSC is read makes it early, which its user looks at, not late.</remarks>
    public long WhenTsc(ulong guestTsc)
    {
        long now = NowNs;
        ulong tsc = GuestTsc;
        if (guestTsc <= tsc)
        {
            return now;
        }

        // Rounded up, so that the guest never sees a TSC before its deadline; far away means never.
        UInt128 ns = ((UInt128)(guestTsc - tsc) * NsPerSecond / _rate.Hz) + (ulong)now + 1;
        return ns > long.MaxValue ? long.MaxValue : (long)ns;
    }
}
