using Bulkhead.Devices.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

public sealed class IoApicTests
{
    private const uint Level = 0x8000;
    private const uint Masked = 0x1_0000;
    private const uint RemoteIrr = 0x4000;

    [Fact]
    public void Registers_AtReset_AsTheManualSays()
    {
        var rig = new ApicRig();
        rig.IoApic.Out32(0, 1);
        Assert.Equal(0x0017_0020u, rig.IoApic.In32(0x10));
        rig.IoApic.Out32(0, 0);
        Assert.Equal(0x0100_0000u, rig.IoApic.In32(0x10));
        rig.IoApic.Out32(0x10, 0x0300_0000);
        Assert.Equal(0x0300_0000u, rig.IoApic.In32(0x10));
        for (int pin = 0; pin < 24; pin++)
        {
            Assert.Equal(Masked, rig.ReadRoute(pin));
        }
    }

    [Fact]
    public void Edge_Masked_IsLost()
    {
        var rig = new ApicRig();
        rig.Route(3, Masked | 0x33);
        rig.IoApic.SetPin(3, true);
        rig.Route(3, 0x33);
        Assert.Equal(-1, rig.Take());
        rig.IoApic.SetPin(3, false);
        rig.IoApic.SetPin(3, true);
        Assert.Equal(0x33, rig.Take());
    }

    [Fact]
    public void Level_Asserted_OnceUntilEoiThenAgain()
    {
        var rig = new ApicRig();
        rig.Route(9, Level | 0x39);
        rig.IoApic.SetPin(9, true);
        Assert.Equal(0x39, rig.Take());
        Assert.Equal(Level | RemoteIrr | 0x39, rig.ReadRoute(9));
        Assert.Equal(-1, rig.Take());
        rig.Eoi();
        Assert.Equal(0x39, rig.Take());
        rig.IoApic.SetPin(9, false);
        rig.Eoi();
        Assert.Equal(-1, rig.Take());
        Assert.Equal(Level | 0x39, rig.ReadRoute(9));
    }

    [Fact]
    public void Level_MaskedDuringService_OfferedWhenUnmasked()
    {
        var rig = new ApicRig();
        rig.Route(9, Level | 0x39);
        rig.IoApic.SetPin(9, true);
        rig.Take();
        rig.Route(9, Level | Masked | 0x39);
        Assert.Equal(Level | Masked | RemoteIrr | 0x39, rig.ReadRoute(9));
        rig.Eoi();
        Assert.Equal(-1, rig.Take());
        rig.Route(9, Level | 0x39);
        Assert.Equal(0x39, rig.Take());
    }

    [Fact]
    public void EoiRegister_EndsLikeABroadcast()
    {
        var rig = new ApicRig();
        rig.Route(9, Level | 0x39);
        rig.IoApic.SetPin(9, true);
        rig.Take();
        rig.IoApic.SetPin(9, false);
        rig.IoApic.Out32(0x40, 0x39);
        Assert.Equal(Level | 0x39, rig.ReadRoute(9));
    }

    [Fact]
    public void TriggerSwitch_ToEdgeAndBack_ClearsRemoteIrr()
    {
        var rig = new ApicRig();
        rig.Route(9, Level | 0x39);
        rig.IoApic.SetPin(9, true);
        rig.Take();
        rig.IoApic.SetPin(9, false);
        rig.Route(9, Masked | 0x39);
        rig.Route(9, Level | 0x39);
        Assert.Equal(Level | 0x39, rig.ReadRoute(9));
    }

    [Fact]
    public void Level_NobodyAccepts_OfferedWhenApicIsEnabled()
    {
        var rig = new ApicRig(enable: false);
        rig.Route(9, Level | 0x39);
        rig.IoApic.SetPin(9, true);
        Assert.Equal(Level | 0x39, rig.ReadRoute(9));
        rig.Apic.Out32(0xF0, 0x1FF);
        Assert.Equal(0x39, rig.Take());
    }

    [Fact]
    public void Tmr_FollowsTheTriggerOfTheLastMessage()
    {
        var rig = new ApicRig();
        rig.Route(9, Level | 0x39);
        rig.IoApic.SetPin(9, true);
        Assert.Equal(1u << 0x19, rig.Apic.In32(0x190));
        rig.Take();
        rig.IoApic.SetPin(9, false);
        rig.Eoi();
        rig.Apic.Out32(0x300, 0x4_0039);
        Assert.Equal(0u, rig.Apic.In32(0x190));
    }

    [Fact]
    public void Destination_LogicalAndPhysical_Followed()
    {
        var rig = new ApicRig(2);
        rig.Apics[1].Out32(0xD0, 2u << 24);
        rig.Route(4, 0x0844, destination: 2);
        rig.IoApic.SetPin(4, true);
        Assert.Equal([-1, 0x44], [rig.Take(0), rig.Take(1)]);
        rig.Route(5, 0x0055, destination: 1);
        rig.IoApic.SetPin(5, true);
        Assert.Equal([-1, 0x55], [rig.Take(0), rig.Take(1)]);
    }

    [Fact]
    public void Message_Msi_Delivered()
    {
        var rig = new ApicRig(2);
        Assert.True(rig.Bus.DeliverMessage(0xFEE0_1000, 0x4061));
        Assert.Equal([-1, 0x61], [rig.Take(0), rig.Take(1)]);
    }

    [Fact]
    public void Router_Irq0_ArrivesOnPin2()
    {
        var rig = new ApicRig();
        rig.Route(2, 0x30);
        rig.Router.SetPin(0, true);
        Assert.Equal(0x30, rig.Take());
        rig.Eoi();
        rig.Route(20, Level | 0x77);
        rig.Router.SetPin(20, true);
        Assert.Equal(0x77, rig.Take());
    }
}
