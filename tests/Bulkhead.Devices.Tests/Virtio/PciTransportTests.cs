using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 4.1 Virtio Over PCI Bus: what the device shows and how it is reached.</summary>
public sealed class PciTransportTests : IDisposable
{
    private readonly EchoDevice _device = new(new ImmediateExecutor(), new ImmediateExecutor(), new ImmediateExecutor());
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;

    public PciTransportTests()
    {
        _rig = new VirtioRig(_device);
        _driver = new VirtioDriver(_rig);
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void S4_1_2_1_Identity_IsThatOfAModernDevice()
    {
        Assert.Equal(0x1AF4, _rig.Port.Read16(0x00));
        Assert.Equal(0x1040 + 3, _rig.Port.Read16(0x02));
        Assert.True(_rig.Port.Read8(0x08) >= 1);
        Assert.True(_rig.Port.Read16(0x2E) >= 0x40);
        Assert.Equal(0, _rig.Port.Read8(0x0E)); // an ordinary header
        Assert.NotEqual(0, _rig.Port.Read16(0x06) & 0x10); // with capabilities
    }

    [Fact]
    public void S4_1_3_2_WideFields_HaveHalves()
    {
        _driver.Negotiate(RingKinds.Split);
        _driver.Common(PciCommonConfig.QueueSelect, 2, 1);
        foreach (int field in new[] { PciCommonConfig.QueueDescriptors, PciCommonConfig.QueueDriver, PciCommonConfig.QueueDevice })
        {
            _driver.Common(field, 4, 0x1122_3344);
            _driver.Common(field + 4, 4, 0x5566_7788);
            Assert.Equal(0x5566_7788_1122_3344ul, _driver.Common(field, 8));
            Assert.Equal(0x1122_3344ul, _driver.Common(field, 4));
            _driver.Common(field + 4, 4, 9);
            Assert.Equal(9ul, _driver.Common(field + 4, 4));
            Assert.Equal(0x9_1122_3344ul, _driver.Common(field, 8));
        }
    }

    [Fact]
    public void S4_1_4_2_Capabilities_HoldAllTheirBytesAndLieInTheBar()
    {
        var kinds = new List<int>();
        foreach ((int at, byte id) in _rig.Port.Capabilities())
        {
            Assert.Equal(0, at % 4);
            if (id == 9)
            {
                int kind = _rig.Port.Read8(at + 3);
                kinds.Add(kind);
                Assert.Equal(kind switch { 2 or 5 => 20, _ => 16 }, _rig.Port.Read8(at + 2));
                Assert.Equal(0, _rig.Port.Read8(at + 4)); // BAR
                Assert.True(_rig.Port.Read32(at + 8) + _rig.Port.Read32(at + 12) <= 0x8000);
            }
        }

        Assert.Equal([1, 2, 3, 4, 5], kinds.Order());
    }

    [Fact]
    public void S4_1_4_3_1_Structures_AreAlignedAndLargeEnough()
    {
        Assert.Equal(0ul, _driver.AddressOf(PciCapabilityKind.Common) % 4);
        Assert.Equal(0ul, _driver.AddressOf(PciCapabilityKind.Notify) % 4);
        Assert.Equal(0ul, _driver.AddressOf(PciCapabilityKind.Device) % 4);
        Assert.True(_driver.LengthOf(PciCapabilityKind.Common) >= 0x38);
        Assert.True(_driver.LengthOf(PciCapabilityKind.Notify) >= (2 * 4) + 2); // three queues
    }

    [Fact]
    public void S4_1_4_3_1_Features_AreShownByHalvesAndNoneBehind()
    {
        ulong offered = _driver.Offered;
        foreach (uint select in new uint[] { 0, 1, 2, 31, 0xFFFF_FFFF })
        {
            _driver.Common(PciCommonConfig.DeviceFeatureSelect, 4, select);
            Assert.Equal(select, _driver.Common(PciCommonConfig.DeviceFeatureSelect, 4));
            Assert.Equal(select switch { 0 => (uint)offered, 1 => offered >> 32, _ => 0ul }, _driver.Common(PciCommonConfig.DeviceFeature, 4));
        }
    }

    [Fact]
    public void S4_1_4_3_1_DriverFeatures_AreShownAsWritten()
    {
        _driver.Reset();
        ulong offered = _driver.Offered;
        _driver.Common(PciCommonConfig.DriverFeatureSelect, 4, 1);
        _driver.Common(PciCommonConfig.DriverFeature, 4, offered >> 32);
        _driver.Common(PciCommonConfig.DriverFeatureSelect, 4, 0);
        _driver.Common(PciCommonConfig.DriverFeature, 4, (uint)offered);
        Assert.Equal((uint)offered, _driver.Common(PciCommonConfig.DriverFeature, 4));
        _driver.Common(PciCommonConfig.DriverFeatureSelect, 4, 2);
        _driver.Common(PciCommonConfig.DriverFeature, 4, 0xFFFF_FFFF);
        Assert.Equal(0ul, _driver.Common(PciCommonConfig.DriverFeature, 4));
        _driver.Common(PciCommonConfig.DriverFeatureSelect, 4, 1);
        Assert.Equal(offered >> 32, _driver.Common(PciCommonConfig.DriverFeature, 4));
    }

    [Fact]
    public void S4_1_4_3_1_Generation_ChangesWithWhatWasReadAndOnlyThen()
    {
        _driver.Start(RingKinds.Split);
        _ = _driver.Read(PciCapabilityKind.Device, 0, 4);
        ulong before = _driver.Common(PciCommonConfig.ConfigGeneration, 1);
        _ = _driver.Read(PciCapabilityKind.Device, 0, 4);
        Assert.Equal(before, _driver.Common(PciCommonConfig.ConfigGeneration, 1));

        for (int i = 0; i < 256; i++) // as often as the byte has values
        {
            _device.Config[0]++;
            _device.Session?.ConfigChanged();
        }

        _ = _driver.Read(PciCapabilityKind.Device, 0, 4);
        Assert.NotEqual(before, _driver.Common(PciCommonConfig.ConfigGeneration, 1));
    }

    [Fact]
    public void S4_1_4_3_1_Reset_TurnsQueuesOffAndForgetsThem()
    {
        _driver.Negotiate(RingKinds.Split);
        _driver.Open(1, 4, vector: 2);
        _driver.Common(PciCommonConfig.ConfigVector, 2, 1);
        Assert.Equal(1ul, _driver.Common(PciCommonConfig.QueueEnable, 2));
        Assert.Equal(4ul, _driver.Common(PciCommonConfig.QueueSize, 2));
        _driver.Reset();

        _driver.Common(PciCommonConfig.QueueSelect, 2, 1);
        Assert.Equal(0ul, _driver.Common(PciCommonConfig.QueueEnable, 2));
        Assert.Equal(16ul, _driver.Common(PciCommonConfig.QueueSize, 2));
        Assert.Equal(0ul, _driver.Common(PciCommonConfig.QueueDescriptors, 8));
        Assert.Equal(0ul, _driver.Common(PciCommonConfig.DriverFeature, 4));
        Assert.Equal(0ul, _driver.Common(PciCommonConfig.QueueReset, 2));
    }

    [Fact]
    public void S4_1_4_3_1_QueueThereIsNot_HasSizeZero()
    {
        Assert.Equal(3ul, _driver.Common(PciCommonConfig.QueueCount, 2));
        foreach (uint queue in new uint[] { 3, 4, 0x7FFF, 0xFFFF })
        {
            _driver.Common(PciCommonConfig.QueueSelect, 2, queue);
            Assert.Equal(0ul, _driver.Common(PciCommonConfig.QueueSize, 2));
            _driver.Common(PciCommonConfig.QueueEnable, 2, 1);
            Assert.Equal(0ul, _driver.Common(PciCommonConfig.QueueEnable, 2));
        }
    }

    [Fact]
    public void S4_1_4_3_2_QueueThatIsOn_KeepsItsRegisters()
    {
        _driver.Negotiate(RingKinds.Split);
        DriverQueue queue = _driver.Open(0, 8);
        _driver.Common(PciCommonConfig.QueueSize, 2, 4);
        _driver.Common(PciCommonConfig.QueueDescriptors, 8, 0);
        _driver.Common(PciCommonConfig.QueueEnable, 2, 0);
        Assert.Equal(8ul, _driver.Common(PciCommonConfig.QueueSize, 2));
        Assert.Equal(queue.Descriptors.Value, _driver.Common(PciCommonConfig.QueueDescriptors, 8));
        Assert.Equal(1ul, _driver.Common(PciCommonConfig.QueueEnable, 2));
    }

    [Fact]
    public void S4_1_4_5_1_Isr_SaysWhatHappenedAndReadsOnce()
    {
        DriverQueue queue = _driver.Start(RingKinds.Split);
        Assert.Equal(0, _driver.Isr);
        Assert.False(_rig.PinIsHigh);

        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.True(_rig.PinIsHigh);
        Assert.NotEqual(0, _rig.Port.Read16(6) & 8);
        _device.Session?.ConfigChanged();
        Assert.Equal(3, _driver.Isr);
        Assert.False(_rig.PinIsHigh);
        Assert.Equal(0, _rig.Port.Read16(6) & 8);
        Assert.Equal(0, _driver.Isr);
    }

    [Fact]
    public void S4_1_4_5_1_InterruptDisable_HoldsThePinAndNotTheStatus()
    {
        DriverQueue queue = _driver.Start(RingKinds.Split);
        _rig.Port.Write16(4, 0x406);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.False(_rig.PinIsHigh);
        Assert.NotEqual(0, _rig.Port.Read16(6) & 8);
        _rig.Port.Write16(4, 6);
        Assert.True(_rig.PinIsHigh);
        _driver.Reset();
        Assert.False(_rig.PinIsHigh);
    }

    [Fact]
    public void S4_1_4_5_1_WithMsix_ConfigurationChangeStandsInTheIsrToo()
    {
        _driver.UseMsix(2);
        _driver.Negotiate(RingKinds.Split);
        _driver.Common(PciCommonConfig.ConfigVector, 2, 1);
        DriverQueue queue = _driver.Open(0, 8, vector: 0);
        _driver.Ready();
        _device.Session?.ConfigChanged();
        Assert.Equal([VirtioDriver.FirstMessage + 1], _rig.Messages.Take());
        Assert.False(_rig.PinIsHigh);
        Assert.Equal(2, _driver.Isr);

        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Equal([VirtioDriver.FirstMessage], _rig.Messages.Take());
        Assert.False(_rig.PinIsHigh);
    }

    [Fact]
    public void S4_1_4_9_1_AccessCapability_ReachesEveryRegisterWithMemoryOff()
    {
        int access = _rig.Port.Capabilities().Single(c => c.Id == 9 && _rig.Port.Read8(c.At + 3) == 5).At;
        uint common = (uint)(_driver.AddressOf(PciCapabilityKind.Common) - VirtioRig.Window);
        _rig.Port.Write16(4, 0);
        Assert.Null(_rig.Pci.Bars[0].Wanted);

        void Aim(uint offset, uint length)
        {
            _rig.Port.Write8(access + 4, 0);
            _rig.Port.Write32(access + 8, common + offset);
            _rig.Port.Write32(access + 12, length);
        }

        Aim(PciCommonConfig.QueueCount, 2);
        Assert.Equal(3u, _rig.Port.Read32(access + 16) & 0xFFFF);
        Aim(PciCommonConfig.DeviceStatus, 1);
        _rig.Port.Write8(access + 16, 1);
        _rig.Port.Write8(access + 16, 3);
        Assert.Equal(3, _rig.Port.Read8(access + 16));
        Aim(PciCommonConfig.DeviceFeatureSelect, 4);
        _rig.Port.Write32(access + 16, 1);
        Aim(PciCommonConfig.DeviceFeature, 4);
        Assert.Equal(1u, _rig.Port.Read32(access + 16) & 1); // version 1

        _rig.Port.Write8(access + 4, 1); // a BAR there is not
        uint before = _rig.Port.Read32(access + 16);
        _rig.Port.Write32(access + 16, before);
        _rig.Port.Write8(access + 4, 0);
        foreach ((uint offset, uint length) in new (uint, uint)[] { (0, 3), (1, 2), (2, 4), (0xFFFF_FFF0, 4), (0, 0), (0, 8) })
        {
            Aim(offset - common, length);
            _ = _rig.Port.Read32(access + 16);
            _rig.Port.Write32(access + 16, 0xFFFF_FFFF);
        }

        Assert.Equal(VirtioStatus.Acknowledge | VirtioStatus.Driver, _rig.Pci.Function.Status);
    }

    [Fact]
    public void S4_1_5_1_2_1_Vectors_MapUnmapAndFailAsNone()
    {
        int msix = _driver.MsixAt;
        int vectors = (_rig.Port.Read16(msix + 2) & 0x7FF) + 1;
        Assert.Equal(4, vectors); // three queues, and the configuration
        _driver.Reset();
        _driver.Common(PciCommonConfig.QueueSelect, 2, 0);
        foreach (int register in new[] { PciCommonConfig.ConfigVector, PciCommonConfig.QueueVector })
        {
            Assert.Equal(PciCommonConfig.NoVector, _driver.Common(register, 2));
            for (uint v = 0; v < vectors; v++)
            {
                _driver.Common(register, 2, v);
                Assert.Equal(v, _driver.Common(register, 2));
            }

            _driver.Common(register, 2, (uint)vectors);
            Assert.Equal(PciCommonConfig.NoVector, _driver.Common(register, 2));
            _driver.Common(register, 2, 0);
            _driver.Common(register, 2, PciCommonConfig.NoVector);
            Assert.Equal(PciCommonConfig.NoVector, _driver.Common(register, 2));
            _driver.Common(register, 2, 1);
        }

        _driver.Reset();
        Assert.Equal(PciCommonConfig.NoVector, _driver.Common(PciCommonConfig.ConfigVector, 2));
        Assert.Equal(PciCommonConfig.NoVector, _driver.Common(PciCommonConfig.QueueVector, 2));
    }

    [Fact]
    public void S4_1_5_3_1_QueueWithoutVector_DoesNotInterrupt()
    {
        _driver.UseMsix(4);
        DriverQueue queue = _driver.Start(RingKinds.Split);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.NotNull(queue.Take());
        Assert.Empty(_rig.Messages.Take());
        Assert.False(_rig.PinIsHigh);
    }

    [Fact]
    public void S4_1_5_4_1_ConfigurationWithoutVector_DoesNotInterrupt()
    {
        _driver.UseMsix(4);
        _driver.Start(RingKinds.Split, vector: 1);
        _device.Session?.ConfigChanged();
        Assert.Empty(_rig.Messages.Take());
        Assert.False(_rig.PinIsHigh);
    }

    [Fact]
    public void BusMasterOff_DeviceLeavesMemoryAlone_AndGoesOnWhenItIsBack()
    {
        DriverQueue queue = _driver.Start(RingKinds.Split);
        _rig.Port.Write16(4, 2);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Null(queue.Take());
        _rig.Port.Write16(4, 6);
        Assert.NotNull(queue.Take());
    }
}
