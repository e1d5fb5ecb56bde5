using Bulkhead.Core.Time;

namespace Bulkhead.Machine.Time;

/// <summary>How time is for a domain.</summary>
/// <param name="Clock">Its clock.</param>
/// <param name="TscOffset">What emitted code adds to the host's TSC; 0 where it is not read.</param>
/// <param name="UtcOffsetNs">What makes the clock's nanoseconds those since 1970.</param>
/// <param name="Random">Where chance comes from that must be the same every time; null: from the host with its time, else nowhere.</param>
internal sealed record DomainTime(IClock Clock, ulong TscOffset, long UtcOffsetNs, SeededRandom? Random = null)
{
    private static readonly DateTimeOffset s_repeatableStart = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The time of day.</summary>
    internal long UtcNs => Clock.NowNs + UtcOffsetNs;

    /// <summary>The host's time.</summary>
    internal static DomainTime Real(RealClock clock) => new(clock, clock.TscOffset, Since1970(TimeProvider.System.GetUtcNow()) - clock.NowNs);

    /// <summary>Time made of instructions, from the same day on.</summary>
    internal static DomainTime Counted(InstructionClock clock, SeededRandom? random) => new(clock, 0, Since1970(s_repeatableStart), random);

    private static long Since1970(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks * 100;
}
