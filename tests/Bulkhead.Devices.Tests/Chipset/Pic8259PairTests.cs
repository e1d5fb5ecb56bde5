using Bulkhead.Devices.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

public sealed class Pic8259PairTests
{
    private readonly FakePins _output = new();
    private readonly Pic8259Pair _pic;

    public Pic8259PairTests()
    {
        _pic = new Pic8259Pair(_output.Line(0));
        Initialize(0x01);
    }

    private bool Intr => _output.Levels[0];

    private void Initialize(byte icw4)
    {
        _pic.MasterPorts.Out8(0, 0x11);
        _pic.MasterPorts.Out8(1, 0x30);
        _pic.MasterPorts.Out8(1, 0x04);
        _pic.MasterPorts.Out8(1, icw4);
        _pic.SlavePorts.Out8(0, 0x11);
        _pic.SlavePorts.Out8(1, 0x38);
        _pic.SlavePorts.Out8(1, 0x02);
        _pic.SlavePorts.Out8(1, icw4);
    }

    private int Take() => _pic.TryAcknowledge(out byte vector) ? vector : -1;

    [Fact]
    public void Imr_WrittenAndRead_IsTheSame()
    {
        _pic.MasterPorts.Out8(1, 0xFB);
        Assert.Equal(0xFB, _pic.MasterPorts.In8(1));
        _pic.SlavePorts.Out8(1, 0xA5);
        Assert.Equal(0xA5, _pic.SlavePorts.In8(1));
    }

    [Fact]
    public void Edge_Pulse_TakenOnce()
    {
        _pic.SetPin(0, true);
        _pic.SetPin(0, false);
        Assert.True(Intr);
        Assert.Equal(0x30, Take());
        Assert.False(Intr);
        _pic.MasterPorts.Out8(0, 0x20);
        Assert.Equal(-1, Take());
    }

    [Fact]
    public void Edge_HeldHigh_TakenOnce()
    {
        _pic.SetPin(4, true);
        Assert.Equal(0x34, Take());
        _pic.MasterPorts.Out8(0, 0x20);
        Assert.Equal(-1, Take());
    }

    [Fact]
    public void Edge_WhileMasked_KeptUntilUnmasked()
    {
        _pic.MasterPorts.Out8(1, 0xFF);
        _pic.SetPin(3, true);
        Assert.False(Intr);
        Assert.Equal(0x08, _pic.MasterPorts.In8(0));
        _pic.MasterPorts.Out8(1, 0);
        Assert.Equal(0x33, Take());
    }

    [Fact]
    public void Level_StillHighAfterEoi_TakenAgain()
    {
        _pic.ElcrPorts.Out8(0, 0xFF);
        _pic.ElcrPorts.Out8(1, 0xFF);
        Assert.Equal(0xF8, _pic.ElcrPorts.In8(0));
        Assert.Equal(0xDE, _pic.ElcrPorts.In8(1));
        _pic.SetPin(5, true);
        Assert.Equal(0x35, Take());
        Assert.Equal(-1, Take());
        _pic.MasterPorts.Out8(0, 0x20);
        Assert.Equal(0x35, Take());
        _pic.SetPin(5, false);
        _pic.MasterPorts.Out8(0, 0x20);
        Assert.Equal(-1, Take());
    }

    [Fact]
    public void Level_Withdrawn_IntrFallsAndAcknowledgeIsSpurious7()
    {
        _pic.ElcrPorts.Out8(0, 0x20);
        _pic.SetPin(5, true);
        _pic.SetPin(5, false);
        Assert.Equal(-1, Take());
        Assert.Equal(0x37, _pic.Acknowledge());
        _pic.MasterPorts.Out8(0, 0x0B);
        Assert.Equal(0, _pic.MasterPorts.In8(0));
    }

    [Fact]
    public void Chip_AcknowledgeWithoutRequest_Spurious7NotInService()
    {
        var chip = new Pic8259(isMaster: false);
        chip.Write(0, 0x11);
        chip.Write(1, 0x38);
        chip.Write(1, 0x02);
        chip.Write(1, 0x01);
        Assert.Equal(0x3F, chip.Acknowledge(out int pin));
        Assert.Equal(-1, pin);
        chip.Write(0, 0x0B);
        Assert.Equal(0, chip.Read(0));
    }

    [Fact]
    public void Priority_LowerWaits_HigherNests()
    {
        _pic.SetPin(6, true);
        Assert.Equal(0x36, Take());
        _pic.SetPin(7, true);
        Assert.Equal(-1, Take());
        _pic.SetPin(1, true);
        Assert.Equal(0x31, Take());
        _pic.MasterPorts.Out8(0, 0x0B);
        Assert.Equal(0x42, _pic.MasterPorts.In8(0));
        _pic.MasterPorts.Out8(0, 0x20);
        Assert.Equal(0x40, _pic.MasterPorts.In8(0));
        _pic.MasterPorts.Out8(0, 0x20);
        Assert.Equal(0x37, Take());
    }

    [Fact]
    public void Cascade_TwoSlaveRequests_BothTaken()
    {
        _pic.SetPin(8, true);
        _pic.SetPin(12, true);
        Assert.Equal(0x38, Take());
        Assert.Equal(-1, Take());
        _pic.SlavePorts.Out8(0, 0x20);
        Assert.Equal(-1, Take());
        _pic.MasterPorts.Out8(0, 0x62);
        Assert.Equal(0x3C, Take());
    }

    [Fact]
    public void SpecificEoi_ClearsItsLevelOnly()
    {
        _pic.SetPin(6, true);
        Take();
        _pic.SetPin(1, true);
        Take();
        _pic.MasterPorts.Out8(0, 0x66);
        _pic.MasterPorts.Out8(0, 0x0B);
        Assert.Equal(0x02, _pic.MasterPorts.In8(0));
    }

    [Fact]
    public void AutoEoi_NothingInService()
    {
        Initialize(0x03);
        _pic.SetPin(0, true);
        Assert.Equal(0x30, Take());
        _pic.SetPin(3, true);
        Assert.Equal(0x33, Take());
    }

    [Fact]
    public void AutoEoi_SlavePending_SecondFollows()
    {
        Initialize(0x03);
        _pic.SetPin(9, true);
        _pic.SetPin(10, true);
        Assert.Equal(0x39, Take());
        Assert.Equal(0x3A, Take());
    }

    [Fact]
    public void SpecialMask_MaskedInService_LetsLowerThrough()
    {
        _pic.SetPin(1, true);
        Take();
        _pic.SetPin(5, true);
        Assert.Equal(-1, Take());
        _pic.MasterPorts.Out8(1, 0x02);
        Assert.Equal(-1, Take());
        _pic.MasterPorts.Out8(0, 0x68);
        Assert.Equal(0x35, Take());
    }

    [Fact]
    public void Poll_TakesHighest()
    {
        _pic.SetPin(4, true);
        _pic.MasterPorts.Out8(0, 0x0C);
        Assert.Equal(0x84, _pic.MasterPorts.In8(0));
        Assert.False(Intr);
        _pic.MasterPorts.Out8(0, 0x0C);
        Assert.Equal(0x00, _pic.MasterPorts.In8(0));
    }

    [Fact]
    public void Rotate_OnEoi_PutsLevelLast()
    {
        _pic.SetPin(3, true);
        Take();
        _pic.MasterPorts.Out8(0, 0xA0);
        _pic.SetPin(3, false);
        _pic.SetPin(3, true);
        _pic.SetPin(5, true);
        Assert.Equal(0x35, Take());
    }

    [Fact]
    public void SpecialFullyNested_HigherSlaveRequest_Nests()
    {
        Initialize(0x11);
        _pic.SetPin(12, true);
        Assert.Equal(0x3C, Take());
        _pic.SetPin(9, true);
        Assert.Equal(0x39, Take());
    }
}
