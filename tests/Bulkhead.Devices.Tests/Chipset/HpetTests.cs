using Bulkhead.Devices.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

public sealed class HpetTests
{
    private readonly ApicRig _rig = new();
    private readonly Hpet _hpet;

    public HpetTests()
    {
        _hpet = new Hpet(_rig.Clock, _rig.Timers, _rig.Router, 0xF0_0000);
        _rig.Route(2, 0x30);
        _rig.Route(8, 0x38);
        _rig.Route(20, 0x8000 | 0x70);
        _rig.Route(21, 0x71);
    }

    private void Advance(long ns) => _rig.Clock.Advance(ns, _rig.Timers);

    [Fact]
    public void Capabilities_Read_AreLinuxReadable()
    {
        Assert.Equal(0x8086_A201u, _hpet.In32(0));
        Assert.Equal(10_000_000u, _hpet.In32(4));
        Assert.Equal(0x00F0_0000u, _hpet.In32(0x104));
        Assert.Equal(0x30u, _hpet.In32(0x100) & 0x30);
    }

    [Fact]
    public void Counter_HaltedWrittenStarted_CountsFromThere()
    {
        Advance(1000);
        Assert.Equal(0UL, _hpet.In64(0xF0));
        _hpet.Out32(0xF0, 0xFFFF_FFF0);
        _hpet.Out32(0xF4, 0);
        _hpet.Out32(0x10, 1);
        Advance(320);
        Assert.Equal(0x1_0000_0010UL, _hpet.In64(0xF0));
        Assert.Equal(0x10u, _hpet.In32(0xF0));
        Assert.Equal(0x1u, _hpet.In32(0xF4));
        _hpet.Out32(0x10, 0);
        Advance(1000);
        Assert.Equal(0x1_0000_0010UL, _hpet.In64(0xF0));
    }

    [Fact]
    public void Counter_BeginsAnewBeforeAMatch_TheQueueComesToRest()
    {
        _hpet.Out32(0xF0, 0xFFFF_FF00);
        _hpet.Out32(0xF4, 0xFFFF_FFFF);
        _hpet.Out32(0x100, 0x104);
        _hpet.Out32(0x108, 0x100);
        _hpet.Out32(0x10, 1);
        Advance(10_000);
        Assert.True(_rig.Timers.NextDeadlineNs > 10_000);
    }

    [Fact]
    public void Periodic_PeriodLeadsBeyondTheCounter_TheQueueComesToRest()
    {
        _hpet.Out32(0xF0, 0xFFFF_FF00);
        _hpet.Out32(0xF4, 0xFFFF_FFFF);
        _hpet.Out32(0x100, 0x4C);
        _hpet.Out32(0x10C, 0xFFFF_FFFF);
        _hpet.Out32(0x100, 0x4C);
        _hpet.Out32(0x108, 0xFFFF_FF80);
        _hpet.Out32(0x108, 0x1000);
        _hpet.Out32(0x10C, 0);
        _hpet.Out32(0x10, 1);
        Advance(1500);
        Assert.True(_rig.Timers.NextDeadlineNs > 1500);
    }

    [Fact]
    public void Legacy_LinuxPeriodic_TicksOnIrq0()
    {
        _hpet.Out32(0x10, 3);
        _hpet.Out32(0x10, 2);
        uint cfg = _hpet.In32(0x100) | 0x4 | 0x8 | 0x40 | 0x100;
        _hpet.Out32(0x100, cfg);
        uint now = _hpet.In32(0xF0);
        _hpet.Out32(0x108, now + 400_000);
        _hpet.Out32(0x108, 400_000);
        _hpet.Out32(0x10, 3);
        for (int i = 0; i < 3; i++)
        {
            Advance(3_999_999);
            Assert.Equal(-1, _rig.Take());
            Advance(1);
            Assert.Equal(0x30, _rig.Take());
            _rig.Eoi();
        }

        _rig.Clock.Jump(40_500_000, _rig.Timers);
        Assert.Equal(0x30, _rig.Take());
        _rig.Eoi();
        Assert.Equal(-1, _rig.Take());
        Assert.Equal(56_000_000, _rig.Timers.NextDeadlineNs);
    }

    [Fact]
    public void Legacy_OneShot_FiresOnceAndPitIsCutOff()
    {
        _hpet.Out32(0x10, 3);
        _hpet.Out32(0x100, 0x104);
        _hpet.Out32(0x108, _hpet.In32(0xF0) + 1000);
        _rig.Router.SetPin(0, true);
        Assert.Equal(-1, _rig.Take());
        Advance(10_000);
        Assert.Equal(0x30, _rig.Take());
        _rig.Eoi();
        Advance(1_000_000_000);
        Assert.Equal(-1, _rig.Take());
        _hpet.Out32(0x108, _hpet.In32(0xF0) + 10);
        Advance(100);
        Assert.Equal(0x30, _rig.Take());
    }

    [Fact]
    public void Legacy_Timer1_IsIrq8()
    {
        _hpet.Out32(0x10, 3);
        _hpet.Out32(0x120, 0x4);
        _hpet.Out64(0x128, 50);
        Advance(500);
        Assert.Equal(0x38, _rig.Take());
    }

    [Fact]
    public void Level_StatusHoldsTheLine()
    {
        _hpet.Out32(0x140, 0x6 | (20 << 9));
        _hpet.Out64(0x148, 100);
        _hpet.Out32(0x10, 1);
        Advance(1000);
        Assert.Equal(4u, _hpet.In32(0x20));
        Assert.Equal(0x70, _rig.Take());
        _rig.Eoi();
        Assert.Equal(0x70, _rig.Take());
        _hpet.Out32(0x20, 4);
        _rig.Eoi();
        Assert.Equal(-1, _rig.Take());
        Assert.Equal(0u, _hpet.In32(0x20));
    }

    [Fact]
    public void Route_ToAPinThatIsNotOffered_StaysAsItWas()
    {
        var hpet = new Hpet(_rig.Clock, _rig.Timers, _rig.Router, 1u << 21);
        Assert.Equal(0x0020_0000u, hpet.In32(0x144));
        hpet.Out32(0x140, 21 << 9);
        hpet.Out32(0x140, 0x4 | (20 << 9));
        Assert.Equal(0x4u | (21 << 9), hpet.In32(0x140) & 0x3E04);
        hpet.Out64(0x148, 100);
        hpet.Out32(0x10, 1);
        Advance(1000);
        Assert.Equal(0x71, _rig.Take());
        Assert.Equal(-1, _rig.Take());
    }

    [Fact]
    public void OneShot32_ComparatorInThePast_WaitsForTheWrap()
    {
        _hpet.Out32(0x10, 1);
        Advance(10_000);
        _hpet.Out32(0x140, 0x104 | (21 << 9));
        _hpet.Out32(0x148, 999);
        Advance(1_000_000);
        Assert.Equal(-1, _rig.Take());
        Advance(0x1_0000_0000L * 10);
        Assert.Equal(0x71, _rig.Take());
    }

    [Fact]
    public void Periodic_TinyPeriod_IsBounded()
    {
        _hpet.Out32(0x10, 1);
        _hpet.Out32(0x140, 0x4C | (21 << 9));
        _hpet.Out64(0x148, 1);
        int fires = 0;
        while (_rig.Timers.NextDeadlineNs <= 1_000_000)
        {
            _rig.Clock.Jump(Math.Max(0, _rig.Timers.NextDeadlineNs - _rig.Clock.NowNs), _rig.Timers);
            fires++;
        }

        Assert.InRange(fires, 50, 102);
    }
}
