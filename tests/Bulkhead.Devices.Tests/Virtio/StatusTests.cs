using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 2.1 to 2.5, 3.1 and 6: status, features, reset, configuration.</summary>
public sealed class StatusTests : IDisposable
{
    private readonly EchoDevice _device = new(new ImmediateExecutor(), new ImmediateExecutor());
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;

    public StatusTests()
    {
        _rig = new VirtioRig(_device);
        _driver = new VirtioDriver(_rig);
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void S2_1_2_BeforeDriverOk_NoBufferIsConsumed()
    {
        _driver.Negotiate(RingKinds.Split);
        DriverQueue queue = _driver.Open(0, 8);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Null(queue.Take());
        Assert.Equal(0, _device.Served);

        _driver.Ready();
        Assert.NotNull(queue.Take()); // what was made available before is found at once
    }

    [Fact]
    public void S2_1_2_Error_SetsNeedsResetAndTellsTheDriver()
    {
        _driver.UseMsix(3);
        _driver.Negotiate(RingKinds.Split);
        _driver.Common(PciCommonConfig.ConfigVector, 2, 2);
        DriverQueue queue = _driver.Open(0, 8);
        _driver.Ready();
        queue.Add(new Piece(new Gpa(0xDEAD_0000_0000), 8, true));
        _driver.Notify(0);

        Assert.True(_driver.NeedsReset);
        Assert.Equal([VirtioDriver.FirstMessage + 2], _rig.Messages.Take());
        Assert.NotNull(_rig.Pci.Function.LastError);

        _driver.Notify(0); // once is enough
        Assert.Empty(_rig.Messages.Take());
    }

    [Fact]
    public void S2_1_Status_BitsAreOnlyAddedAndDeviceBitsAreTheDevices()
    {
        _driver.Reset();
        _driver.Status = 1;
        _driver.Status = 2;
        Assert.Equal(3, _driver.Status);
        _driver.Status = 0xFF & ~8; // needs reset is not the driver's to set
        Assert.Equal(0x80 | 3, _driver.Status);
    }

    [Fact]
    public void S2_2_2_UnofferedFeature_IsNotAccepted() =>
        Assert.False(_driver.Negotiate(RingKinds.Split | (1ul << 20)));

    [Fact]
    public void S2_2_2_FeatureWithoutTheOneItNeeds_IsNotAccepted()
    {
        Assert.False(_driver.Negotiate(RingKinds.Split | EchoDevice.Needy));
        Assert.True(_driver.Negotiate(RingKinds.Split | EchoDevice.Needed));
        Assert.True(_driver.Negotiate(RingKinds.Split | EchoDevice.Needy | EchoDevice.Needed));
    }

    [Fact]
    public void S2_2_2_SameFeatures_AreAcceptedAgainAfterReset()
    {
        for (int i = 0; i < 3; i++)
        {
            Assert.True(_driver.Negotiate(_driver.Offered));
        }
    }

    [Fact]
    public void S2_2_FeaturesAfterFeaturesOk_StayAsTheyWere()
    {
        _driver.Negotiate(RingKinds.Split);
        _driver.Common(PciCommonConfig.DriverFeatureSelect, 4, 0);
        _driver.Common(PciCommonConfig.DriverFeature, 4, 0xFFFF_FFFF);
        Assert.Equal(0ul, _driver.Common(PciCommonConfig.DriverFeature, 4));
    }

    [Fact]
    public void S2_4_1_Reset_ClearsTheStatusAndEndsAllWork()
    {
        _driver.UseMsix(3);
        DriverQueue queue = _driver.Start(RingKinds.Split, vector: 1);
        _driver.Reset();
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        byte[] ring = _rig.Ram.Read(queue.Device, 32);
        _driver.Notify(0);

        Assert.Equal(0, _driver.Status);
        Assert.Equal(0, _device.Served);
        Assert.Equal(ring, _rig.Ram.Read(queue.Device, 32));
        Assert.Empty(_rig.Messages.Take());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void S2_4_Reset_AfterAnError_LetsADriverBeginAnew(bool packed)
    {
        ulong features = RingKinds.Features(packed, tables: true, eventIndex: true);
        DriverQueue queue = _driver.Start(features);
        queue.UsesTables = false;
        queue.Add(new Piece(new Gpa(1ul << 40), 8, true));
        _driver.Notify(0);
        Assert.True(_driver.NeedsReset);

        queue = _driver.Start(features);
        Assert.Equal(15, _driver.Status);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.NotNull(queue.Take());
    }

    [Fact]
    public void S2_5_2_Configuration_IsReadableBeforeFeaturesOk()
    {
        _device.Config[3] = 0x5A;
        _driver.Reset();
        Assert.Equal(0x5A00_0000ul, _driver.Read(PciCapabilityKind.Device, 0, 4));
        Assert.Equal(0x5Aul, _driver.Read(PciCapabilityKind.Device, 3, 1));
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, 16, 8)); // behind its end
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, 0xFFF, 1));
    }

    [Fact]
    public void S3_1_1_DriverOkWithoutFeaturesOk_DoesNotStartTheDevice()
    {
        _driver.Reset();
        _driver.Status = 7;
        Assert.Equal(3, _driver.Status);
        Assert.Null(_device.Session);
    }

    [Theory]
    [InlineData(0x1008, 0x4000, 0x5000, 8)] // descriptors not on 16 bytes
    [InlineData(0x1000, 0x4001, 0x5000, 8)] // available ring not on 2
    [InlineData(0x1000, 0x4000, 0x5002, 8)] // used ring not on 4
    [InlineData(0x1000, 0x4000, 0x5000, 7)] // no power of two
    [InlineData(0x1000, 0x4000, 0x5000, 0)]
    [InlineData(0x3F_FFF0, 0x4000, 0x5000, 8)] // over the end of RAM
    [InlineData(0x1000, 0x3F_FFFE, 0x5000, 8)]
    [InlineData(0x1000, 0x4000, 0x3F_FFFC, 8)]
    [InlineData(-16, 0x4000, 0x5000, 8)]
    public void S2_7_QueueThatCannotBe_NeedsReset(long descriptors, long driver, long device, int size)
    {
        _driver.Negotiate(RingKinds.Split);
        _driver.Common(PciCommonConfig.QueueSelect, 2, 0);
        _driver.Common(PciCommonConfig.QueueSize, 2, (ulong)size);
        _driver.Common(PciCommonConfig.QueueDescriptors, 8, (ulong)descriptors);
        _driver.Common(PciCommonConfig.QueueDriver, 8, (ulong)driver);
        _driver.Common(PciCommonConfig.QueueDevice, 8, (ulong)device);
        _driver.Common(PciCommonConfig.QueueEnable, 2, 1);
        _driver.Ready();

        Assert.True(_driver.NeedsReset);
        _driver.Notify(0);
        _driver.Reset();
        Assert.Equal(0, _driver.Status);
    }

    [Fact]
    public void S6_2_Version1_IsOfferedAndNeeded()
    {
        Assert.NotEqual(0ul, _driver.Offered & VirtioFeatures.Version1);
        Assert.Equal(0ul, _driver.Offered & (1ul << 37)); // SR-IOV, which there is none of
        Assert.False(_driver.Negotiate(0));
        Assert.False(_driver.Negotiate(VirtioFeatures.EventIndex));
    }
}
