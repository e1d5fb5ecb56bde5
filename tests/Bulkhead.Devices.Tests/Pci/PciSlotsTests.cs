using Bulkhead.Core.Io;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio;
using Xunit;

namespace Bulkhead.Devices.Tests.Pci;

/// <summary>PCI Local Bus Specification 3.0: finding functions, sizing and moving their BARs, sharing pins.</summary>
public sealed class PciSlotsTests : IDisposable
{
    private const uint Size = 0x8000;
    private const uint First = VirtioRig.Window;
    private const uint Second = VirtioRig.Window + Size;

    private readonly VirtioRig _rig = new(new EchoDevice(new ImmediateExecutor()));
    private readonly PciPort _one;
    private readonly PciPort _two;

    public PciSlotsTests()
    {
        _rig.Slots.Add(pin => new VirtioPci(new EchoDevice(new ImmediateExecutor(), new ImmediateExecutor()), _rig.Memory, _rig.Messages, pin));
        (_one, _two) = (_rig.Port, new PciPort(_rig.Host, 2));
        _one.Write16(4, 2);
        _two.Write16(4, 2);
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Slots_AreFoundAndOthersAreEmpty()
    {
        Assert.Equal(0x1237_8086u, new PciPort(_rig.Host, 0).Read32(0));
        Assert.Equal(0x1AF4, _one.Read16(0));
        Assert.Equal(0x1AF4, _two.Read16(0));
        Assert.Equal(0xFFFF_FFFFu, new PciPort(_rig.Host, 3).Read32(0));
        Assert.Equal(1, _one.Read8(0x3D)); // INTA
    }

    [Fact]
    public void Bar_OfAllOnes_SaysItsSize()
    {
        uint before = _one.Read32(0x10);
        _one.Write32(0x10, 0xFFFF_FFFF);
        Assert.Equal(~(Size - 1), _one.Read32(0x10));
        _one.Write32(0x10, before);
        Assert.Equal(First, _one.Read32(0x10));
        for (int bar = 0x14; bar <= 0x24; bar += 4)
        {
            _one.Write32(bar, 0xFFFF_FFFF);
            Assert.Equal(0u, _one.Read32(bar));
        }

        Assert.Equal(1, QueuesAt(First));
        Assert.Equal(2, QueuesAt(Second));
    }

    [Fact]
    public void Bar_IsThereWhileMemoryIsEnabled()
    {
        _one.Write16(4, 0);
        Assert.Equal(-1, QueuesAt(First));
        _one.Write32(0x10, 0xE100_0000);
        Assert.Equal(-1, QueuesAt(0xE100_0000));
        _one.Write16(4, 2);
        Assert.Equal(1, QueuesAt(0xE100_0000));
        Assert.Equal(-1, QueuesAt(First));
    }

    [Fact]
    public void Bar_WrittenByBytes_MovesByBytes()
    {
        _one.Write8(0x13, 0xE2);
        Assert.Equal(1, QueuesAt(0xE200_0000));
        _one.Write16(0x10, 0xFFFF);
        Assert.Equal(0xE200_8000u, _one.Read32(0x10));
        Assert.Equal(1, QueuesAt(0xE200_8000));
    }

    [Fact]
    public void Bars_ThatOverlap_AreBothThereOnceTheyDoNot()
    {
        _one.Write32(0x10, Second);
        Assert.Equal(2, QueuesAt(Second)); // who was there first
        _two.Write32(0x10, First);
        Assert.Equal(1, QueuesAt(Second));
        Assert.Equal(2, QueuesAt(First));
    }

    [Fact]
    public void Bar_AtTheEndOfTheAddressSpace_IsThere()
    {
        _one.Write32(0x10, 0xFFFF_8000);
        Assert.Equal(1, QueuesAt(0xFFFF_8000));
    }

    [Fact]
    public void ReadOnlyBytes_StayAsTheyAre()
    {
        byte[] before = [.. Enumerable.Range(0, 256).Select(i => _one.Read8(i))];
        for (int i = 0; i < 256; i += 4)
        {
            _one.Write32(i, 0xFFFF_FFFF);
        }

        Assert.Equal(before[..4], Enumerable.Range(0, 4).Select(i => _one.Read8(i)));
        Assert.Equal(before[8..12], Enumerable.Range(8, 4).Select(i => _one.Read8(i)));
        Assert.Equal(before[0x2C..0x30], Enumerable.Range(0x2C, 4).Select(i => _one.Read8(i)));
        Assert.Equal(before[0x34], _one.Read8(0x34));
        Assert.Equal(0x0406, _one.Read16(4)); // what there is to switch
        Assert.Equal(0xFF, _one.Read8(0x3C));
    }

    [Fact]
    public void Pins_OfSlotsThatShareAWire_AreOred()
    {
        var slots = new Devices.Pci.PciSlots(new Devices.Pci.PciHost(), new IoBus(), _rig.Pins, First, 1ul << 40, static _ => 5);
        Core.Interrupts.InterruptLine one = default;
        Core.Interrupts.InterruptLine two = default;
        slots.Add(pin => new VirtioPci(new EchoDevice(new ImmediateExecutor()), _rig.Memory, _rig.Messages, one = pin));
        slots.Add(pin => new VirtioPci(new EchoDevice(new ImmediateExecutor()), _rig.Memory, _rig.Messages, two = pin));
        one.Set(true);
        two.Set(true);
        one.Set(false);
        Assert.True(_rig.Pins.Levels[5]);
        two.Set(false);
        Assert.False(_rig.Pins.Levels[5]);
    }

    /// <summary>How many queues the device there has, or -1 where none is.</summary>
    private int QueuesAt(uint bar)
    {
        Span<byte> data = stackalloc byte[2];
        return _rig.Bus.Read(bar + 0x12, data) == IoResult.Ok ? data[0] : -1;
    }
}
