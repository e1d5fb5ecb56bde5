using System.Diagnostics;
using Bulkhead.Machine.Time;
using Xunit;

namespace Bulkhead.Machine.Tests.Time;

public sealed class RealClockTests
{
    private const ulong Hz = 3_000_000_000;

    // The host has run for ten days longer than its clock says: only what is ahead may count.
    private static ulong HostTsc() => ((ulong)Stopwatch.GetTimestamp() * 3) + (Hz * 864_000);

    [Fact]
    public void WhenTsc_AnHourAhead_IsAnHourFromNow()
    {
        RealClock clock = RealClock.StartingNow(HostTsc, new TscRate(Hz));

        // Interrupted between its two readings it says too early; so it is asked again.
        long before = 0;
        long when = -1;
        for (int i = 0; i < 1000 && when < before + 3_600_000_000_000; i++)
        {
            before = clock.NowNs;
            when = clock.WhenTsc(clock.GuestTsc + (Hz * 3600));
        }

        Assert.InRange(when, before + 3_600_000_000_000, clock.NowNs + 3_600_000_000_001);
    }

    [Fact]
    public void WhenTsc_Passed_IsNotAhead()
    {
        RealClock clock = RealClock.StartingNow(HostTsc, new TscRate(Hz));

        Assert.True(clock.WhenTsc(0) <= clock.NowNs);
    }

    [Fact]
    public void WhenTsc_TheLastTick_IsNever()
    {
        RealClock clock = RealClock.StartingNow(HostTsc, new TscRate(1_000_000));

        Assert.Equal(long.MaxValue, clock.WhenTsc(ulong.MaxValue));
    }

    [Fact]
    public void Measure_TscOfAKnownRate_IsThatRate() =>
        Assert.InRange(TscRate.Measure(HostTsc).Hz, Hz - (Hz / 1000), Hz + (Hz / 1000));
}
