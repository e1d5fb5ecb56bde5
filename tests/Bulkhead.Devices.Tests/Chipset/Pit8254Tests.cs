using Bulkhead.Core.Time;
using Bulkhead.Devices.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

public sealed class Pit8254Tests
{
    private static readonly TickRate s_rate = new(Pit8254.Hz);
    private readonly FakeClock _clock = new();
    private readonly TimerQueue _timers = new(static () => { });
    private readonly FakePins _pins = new();
    private readonly Pit8254 _pit;

    public Pit8254Tests() => _pit = new Pit8254(_clock, _timers, _pins.Line(0));

    private void Load(int channel, byte control, ushort count)
    {
        _pit.CounterPorts.Out8(3, control);
        _pit.CounterPorts.Out8((ulong)channel, (byte)count);
        _pit.CounterPorts.Out8((ulong)channel, (byte)(count >> 8));
    }

    private int ReadCount(int channel)
    {
        int low = _pit.CounterPorts.In8((ulong)channel);
        return low | (_pit.CounterPorts.In8((ulong)channel) << 8);
    }

    private void Ticks(ulong tick) => _clock.Advance(s_rate.ToNs(tick) - _clock.NowNs, _timers);

    [Fact]
    public void Channel2_CalibrationThroughPort61_IsExact()
    {
        _pit.SystemPort.Out8(0, (byte)((_pit.SystemPort.In8(0) & ~2) | 1));
        Load(2, 0xB0, 59_659);
        Assert.Equal(0, _pit.SystemPort.In8(0) & 0x20);
        Ticks(59_659);
        Assert.Equal(0, _pit.SystemPort.In8(0) & 0x20);
        Ticks(59_660);
        Assert.Equal(0x20, _pit.SystemPort.In8(0) & 0x20);
        Assert.Equal(long.MaxValue, _timers.NextDeadlineNs);
    }

    [Fact]
    public void Channel2_QuickCalibration_CountsDown()
    {
        _pit.SystemPort.Out8(0, 1);
        Load(2, 0xB0, 0xFFFF);
        Ticks(0x0101);
        Assert.Equal(0xFEFF, ReadCount(2));
        Ticks(0x0201);
        Assert.Equal(0xFDFF, ReadCount(2));
    }

    [Fact]
    public void Channel2_GateLow_Pauses()
    {
        _pit.SystemPort.Out8(0, 1);
        Load(2, 0xB0, 1000);
        Ticks(101);
        _pit.SystemPort.Out8(0, 0);
        Ticks(5000);
        Assert.Equal(900, ReadCount(2));
        _pit.SystemPort.Out8(0, 1);
        Ticks(5100);
        Assert.Equal(800, ReadCount(2));
    }

    [Fact]
    public void Channel0_Mode2_OneEdgePerPeriod()
    {
        Load(0, 0x34, 1193);
        int start = _pins.Edges[0];
        Ticks(1 + (1193 * 10));
        Assert.Equal(start + 10, _pins.Edges[0]);
        Assert.Equal(1193, ReadCount(0));
    }

    [Fact]
    public void Channel0_Mode2_MissedTicksAreOne()
    {
        Load(0, 0x34, 1193);
        int start = _pins.Edges[0];
        _clock.Jump(s_rate.ToNs(1 + (1193 * 7) + 100), _timers);
        Assert.Equal(start + 1, _pins.Edges[0]);
        Assert.Equal(s_rate.ToNs(1 + (1193 * 8)), _timers.NextDeadlineNs);
    }

    [Fact]
    public void Channel0_Mode3_EdgesAtThePeriod()
    {
        Load(0, 0x36, 0);
        int start = _pins.Edges[0];
        Ticks(1 + (65_536 * 3));
        Assert.Equal(start + 3, _pins.Edges[0]);
    }

    [Fact]
    public void Channel0_Mode4_OneShotRepeatsOnEachCount()
    {
        Load(0, 0x38, 500);
        int start = _pins.Edges[0];
        Ticks(501);
        Assert.Equal(start, _pins.Edges[0]);
        Ticks(502);
        Assert.Equal(start + 1, _pins.Edges[0]);
        Ticks(100_000);
        Assert.Equal(start + 1, _pins.Edges[0]);
        _pit.CounterPorts.Out8(0, 0xF4);
        _pit.CounterPorts.Out8(0, 0x01);
        Ticks(100_502);
        Assert.Equal(start + 2, _pins.Edges[0]);
    }

    [Fact]
    public void Channel0_Mode0_RisesOnce()
    {
        Load(0, 0x30, 100);
        Assert.False(_pins.Levels[0]);
        Ticks(101);
        Assert.True(_pins.Levels[0]);
        Assert.Equal(1, _pins.Edges[0]);
        Assert.Equal(long.MaxValue, _timers.NextDeadlineNs);
    }

    [Fact]
    public void Channel0_NewCount_TakenAfterThePeriod()
    {
        Load(0, 0x34, 1000);
        int start = _pins.Edges[0];
        Ticks(500);
        _pit.CounterPorts.Out8(0, 0xD0);
        _pit.CounterPorts.Out8(0, 0x07);
        Ticks(1001);
        Assert.Equal(start + 1, _pins.Edges[0]);
        Ticks(3000);
        Assert.Equal(start + 1, _pins.Edges[0]);
        Ticks(3001);
        Assert.Equal(start + 2, _pins.Edges[0]);
    }

    [Fact]
    public void Channel0_TinyCount_IsBounded()
    {
        Load(0, 0x34, 1);
        int start = _pins.Edges[0];
        _clock.Advance(1_000_000, _timers);
        Assert.InRange(_pins.Edges[0] - start, 50, 101);
    }

    [Fact]
    public void Latch_HoldsUntilRead()
    {
        Load(0, 0x34, 1000);
        Ticks(101);
        _pit.CounterPorts.Out8(3, 0x00);
        Ticks(301);
        Assert.Equal(900, ReadCount(0));
        Assert.Equal(700, ReadCount(0));
    }

    [Fact]
    public void ReadBack_StatusThenCount()
    {
        Load(0, 0x34, 1000);
        Ticks(11);
        _pit.CounterPorts.Out8(3, 0xC2);
        Assert.Equal(0xB4, _pit.CounterPorts.In8(0));
        Assert.Equal(990, ReadCount(0));
        _pit.CounterPorts.Out8(3, 0x34);
        _pit.CounterPorts.Out8(3, 0xE2);
        Assert.Equal(0xF4, _pit.CounterPorts.In8(0));
    }

    [Fact]
    public void Bcd_CountsInDecimal()
    {
        Load(0, 0x35, 0x1000);
        Ticks(2);
        Assert.Equal(0x0999, ReadCount(0));
    }

    [Fact]
    public void Port61_RefreshBit_Toggles()
    {
        int before = _pit.SystemPort.In8(0) & 0x10;
        _clock.NowNs += 15_085;
        Assert.NotEqual(before, _pit.SystemPort.In8(0) & 0x10);
    }

    [Fact]
    public void Timer_StaleFiring_Ignored()
    {
        Load(0, 0x34, 1193);
        int edges = _pins.Edges[0];
        _pit.OnTimer(10);
        Assert.Equal(edges, _pins.Edges[0]);
    }
}
