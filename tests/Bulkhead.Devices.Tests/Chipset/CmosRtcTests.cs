using Bulkhead.Core.Time;
using Bulkhead.Devices.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

public sealed class CmosRtcTests
{
    private readonly FakeClock _clock = new() { NowNs = 123 };
    private readonly TimerQueue _timers = new(static () => { });
    private readonly FakePins _pins = new();
    private readonly CmosRtc _rtc;

    public CmosRtcTests()
    {
        var start = new DateTime(2024, 2, 29, 23, 59, 58, DateTimeKind.Utc);
        _rtc = new CmosRtc(_clock, _timers, _pins.Line(8), (start - DateTime.UnixEpoch).Ticks * 100);
    }

    private byte Get(byte register)
    {
        _rtc.Out8(0, register);
        return _rtc.In8(1);
    }

    private void Set(byte register, byte value)
    {
        _rtc.Out8(0, register);
        _rtc.Out8(1, value);
    }

    private byte[] Time() => [Get(0x32), Get(9), Get(8), Get(7), Get(6), Get(4), Get(2), Get(0)];

    private void Advance(long ns) => _clock.Advance(ns, _timers);

    [Fact]
    public void Time_Bcd24h_RollsOverLeapDay()
    {
        Assert.Equal([0x20, 0x24, 0x02, 0x29, 5, 0x23, 0x59, 0x58], Time());
        Advance(2_000_000_000);
        Assert.Equal([0x20, 0x24, 0x03, 0x01, 6, 0x00, 0x00, 0x00], Time());
    }

    [Fact]
    public void Time_Binary12h_MarksAfternoon()
    {
        Set(0x0B, 0x04);
        Assert.Equal([20, 24, 2, 29, 5, 0x80 | 11, 59, 58], Time());
        Advance(2_000_000_000);
        Assert.Equal(12, Get(4));
    }

    [Fact]
    public void Uip_OnlyJustBeforeTheSecond()
    {
        Assert.Equal(0x26, Get(0x0A));
        Advance(1_000_000_000 - 244_001);
        Assert.Equal(0x26, Get(0x0A));
        Advance(1);
        Assert.Equal(0xA6, Get(0x0A));
        Assert.Equal(0x58, Get(0));
        Advance(244_000);
        Assert.Equal(0x26, Get(0x0A));
        Assert.Equal(0x59, Get(0));
    }

    [Fact]
    public void SetTime_WithSetBit_HeldUntilReleased()
    {
        Set(0x0B, 0x82);
        Set(9, 0x30);
        Set(8, 0x12);
        Set(7, 0x31);
        Set(4, 0x10);
        Set(2, 0x20);
        Set(0, 0x30);
        Advance(5_000_000_000);
        Assert.Equal(0x30, Get(0));
        Set(0x0B, 0x02);
        Advance(499_999_999);
        Assert.Equal([0x20, 0x30, 0x12, 0x31, 3, 0x10, 0x20, 0x30], Time());
        Advance(1);
        Assert.Equal(0x31, Get(0));
    }

    [Fact]
    public void UpdateInterrupt_EverySecondUntilRead()
    {
        Set(0x0B, 0x12);
        Advance(999_999_999);
        Assert.False(_pins.Levels[8]);
        Advance(1);
        Assert.True(_pins.Levels[8]);
        Assert.Equal(0x90, Get(0x0C) & 0x90);
        Assert.False(_pins.Levels[8]);
        Assert.Equal(0, Get(0x0C));
        Advance(1_000_000_000);
        Assert.True(_pins.Levels[8]);
    }

    [Fact]
    public void AlarmInterrupt_AtTheTimeSet()
    {
        Set(1, 0x05);
        Set(3, 0x00);
        Set(5, 0xFF);
        Get(0x0C);
        Set(0x0B, 0x22);
        Advance(6_999_999_999);
        Assert.False(_pins.Levels[8]);
        Advance(1);
        Assert.True(_pins.Levels[8]);
        Assert.Equal(0xA0, Get(0x0C) & 0xA0);
        Assert.Equal(3600_000_000_000, _timers.NextDeadlineNs - _clock.NowNs);
    }

    [Fact]
    public void PeriodicInterrupt_1024Hz()
    {
        Set(0x0B, 0x42);
        int fires = 0;
        for (int i = 0; i < 1024; i++)
        {
            Advance(1_000_000_000 / 1024);
            if (_pins.Levels[8])
            {
                fires++;
                Assert.Equal(0xC0, Get(0x0C) & 0xC0);
            }
        }

        Assert.InRange(fires, 1022, 1024);
    }

    [Fact]
    public void Memory_Written_ReadsBack()
    {
        Set(0x0F, 0x0A);
        Assert.Equal(0x0A, Get(0x0F));
        Assert.Equal(0x80, Get(0x0D));
        Set(0x8F, 0x05);
        Assert.Equal(0x05, Get(0x0F));
    }

    [Fact]
    public void UpdateInterrupt_GoesOnWhereTheNanosecondsEnd()
    {
        Set(0x0B, 0x82);
        foreach ((byte register, byte value) in ((byte, byte)[])[(0x32, 0x22), (9, 0x62), (8, 0x04), (7, 0x11), (4, 0x23), (2, 0x47), (0, 0x16)])
        {
            Set(register, value);
        }

        Set(0x0B, 0x12);
        int fires = 0;
        for (int i = 0; i < 10; i++)
        {
            Advance(1_000_000_000);
            fires += (Get(0x0C) & 0x10) >> 4;
            Assert.InRange(_timers.NextDeadlineNs - _clock.NowNs, 1, 1_000_000_000);
        }

        Assert.InRange(fires, 9, 10);
    }

    [Fact]
    public void Time_Nonsense_DoesNotThrow()
    {
        for (int register = 0; register < 0x40; register++)
        {
            Set((byte)register, 0xFF);
            Set(0x0B, 0x72);
            Advance(1_500_000_000);
            Get(0x0C);
            Time();
        }
    }
}
