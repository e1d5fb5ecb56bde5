using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 2.8 Packed Virtqueues.</summary>
public sealed class PackedQueueTests : IDisposable
{
    private readonly EchoDevice _device = new(new ImmediateExecutor());
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;

    public PackedQueueTests()
    {
        _rig = new VirtioRig(_device);
        _driver = new VirtioDriver(_rig);
    }

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(1)]
    public void S2_8_Size_NeedsNotBeAPowerOfTwo(ushort size)
    {
        DriverQueue queue = _driver.Start(RingKinds.Packed, size);
        for (int i = 0; i < 50; i++)
        {
            queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
            _driver.Notify(0);
            Assert.NotNull(queue.Take());
        }

        Assert.False(_driver.NeedsReset);
    }

    [Fact]
    public void S2_8_15_DescriptorWithoutChangedAvailableBit_IsNotUsed()
    {
        PackedDriverQueue queue = Start(tables: false);
        queue.PutDescriptor(queue.PlaceOf(0), new Piece(_rig.Ram.Take(8), 8, true), 1, DescriptorFlags.Write);
        _driver.Notify(0);
        queue.PutDescriptor(queue.PlaceOf(0), new Piece(_rig.Ram.Take(8), 8, true), 1, DescriptorFlags.Write | DescriptorFlags.Available | DescriptorFlags.Used);
        _driver.Notify(0);
        queue.PutDescriptor(queue.PlaceOf(0), new Piece(_rig.Ram.Take(8), 8, true), 1, DescriptorFlags.Write | DescriptorFlags.Used);
        _driver.Notify(0);

        Assert.Equal(0, _device.Served);
        Assert.False(_driver.NeedsReset);
    }

    [Fact]
    public void S2_8_15_UsedDescriptor_IsNotChangedAgain()
    {
        PackedDriverQueue queue = Start(tables: false);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        byte[] used = _rig.Ram.Read(queue.PlaceOf(0), 16);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true), new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);

        Assert.Equal(used, _rig.Ram.Read(queue.PlaceOf(0), 16));
    }

    [Fact]
    public void S2_8_6_Chain_TakesItsPlacesAndTheIdOfItsLastDescriptor()
    {
        PackedDriverQueue queue = Start(tables: false);
        Gpa at = _rig.Ram.Take(24);
        DescriptorFlags turn = DescriptorFlags.Available;
        queue.PutDescriptor(queue.PlaceOf(1), new Piece(at + 8, 8, false), 6, turn | DescriptorFlags.Next);
        queue.PutDescriptor(queue.PlaceOf(2), new Piece(at + 16, 8, true), 77, turn | DescriptorFlags.Write);
        queue.PutDescriptor(queue.PlaceOf(0), new Piece(at, 8, false), 5, turn | DescriptorFlags.Next);
        queue.PutDescriptor(queue.PlaceOf(3), new Piece(at, 8, true), 9, turn | DescriptorFlags.Write);
        _driver.Notify(0);

        Assert.Equal(77, _rig.Ram.Read16(queue.PlaceOf(0) + 12));
        Assert.Equal(9, _rig.Ram.Read16(queue.PlaceOf(3) + 12));
        Assert.Equal(2, _device.Served);
    }

    [Fact]
    public void S2_8_3_WriteFlagOfUsedDescriptor_SaysWhetherSomethingWasWritten()
    {
        PackedDriverQueue queue = Start(tables: false);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, false));
        queue.Add(new Piece(_rig.Ram.Take(8), 8, false), new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);

        Assert.Equal(0u, queue.Take()?.Written); // Take looks at the flag
        Assert.Equal(8u, queue.Take()?.Written);
    }

    [Fact]
    public void S2_8_7_Table_OtherFlagsAndIdsAreIgnored()
    {
        PackedDriverQueue queue = Start(tables: true);
        Gpa table = _rig.Ram.Take(32);
        Gpa to = _rig.Ram.Take(8);
        DescriptorFlags noise = DescriptorFlags.Next | DescriptorFlags.Indirect | DescriptorFlags.Available | DescriptorFlags.Used;
        queue.PutDescriptor(table, new Piece(_rig.Ram.Put([9, 8, 7]), 3, false), 0xBEEF, noise);
        queue.PutDescriptor(table + 16, new Piece(to, 8, true), 0xBEEF, noise | DescriptorFlags.Write);
        queue.AddChain([new Piece(table, 32, true)], DescriptorFlags.Indirect); // and so is the table's own write flag
        _driver.Notify(0);

        Assert.Equal(3u, queue.Take()?.Written);
        Assert.Equal([9, 8, 7], _rig.Ram.Read(to, 3));
    }

    [Fact]
    public void S2_8_19_TableInAChain_NeedsReset()
    {
        PackedDriverQueue queue = Start(tables: true);
        Gpa table = _rig.Ram.Take(16);
        queue.PutDescriptor(table, new Piece(_rig.Ram.Take(8), 8, true), 0, DescriptorFlags.Write);
        queue.PutDescriptor(queue.PlaceOf(1), new Piece(table, 16, false), 1, DescriptorFlags.Available | DescriptorFlags.Indirect);
        queue.PutDescriptor(queue.PlaceOf(0), new Piece(_rig.Ram.Take(8), 8, false), 1, DescriptorFlags.Available | DescriptorFlags.Next);
        AssertBroken(queue);
    }

    [Fact]
    public void S2_8_19_TableWithNext_NeedsReset()
    {
        PackedDriverQueue queue = Start(tables: true);
        Gpa table = _rig.Ram.Take(16);
        queue.PutDescriptor(table, new Piece(_rig.Ram.Take(8), 8, true), 0, DescriptorFlags.Write);
        queue.PutDescriptor(queue.PlaceOf(0), new Piece(table, 16, false), 1, DescriptorFlags.Available | DescriptorFlags.Indirect | DescriptorFlags.Next);
        AssertBroken(queue);
    }

    [Fact]
    public void S2_8_19_IndirectNotNegotiated_NeedsReset()
    {
        PackedDriverQueue queue = Start(tables: false);
        queue.AddChain([new Piece(_rig.Ram.Take(16), 16, false)], DescriptorFlags.Indirect);
        AssertBroken(queue);
    }

    [Fact]
    public void S2_8_17_ChainWithoutEnd_NeedsReset()
    {
        PackedDriverQueue queue = Start(tables: false);
        for (int i = 0; i < queue.Size; i++)
        {
            queue.PutDescriptor(queue.PlaceOf(i), new Piece(_rig.Ram.Take(8), 8, false), 0, DescriptorFlags.Available | DescriptorFlags.Next);
        }

        AssertBroken(queue);
    }

    [Fact]
    public void S2_8_10_EventSuppression_FlagsAreOnlyOfTheNegotiatedKind()
    {
        PackedDriverQueue queue = Start(tables: false);
        ushort during = 0xFFFF;
        _device.BeforeEach = () => during = _rig.Ram.Read16(queue.Device + 2);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Equal(1, during); // disabled while it works
        Assert.Equal(0, _rig.Ram.Read16(queue.Device + 2));

        queue = (PackedDriverQueue)_driver.Start(RingKinds.Features(packed: true, tables: false, eventIndex: true));
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Equal(1, during);
        Assert.Equal(2, _rig.Ram.Read16(queue.Device + 2));
        Assert.Equal(0x8001, _rig.Ram.Read16(queue.Device)); // the next place, on the first way round
    }

    [Fact]
    public void S2_8_10_PlaceTheDriverNames_SaysNothingWithoutEventIndex()
    {
        _driver.UseMsix(2);
        var queue = (PackedDriverQueue)_driver.Start(RingKinds.Packed, vector: 1);
        _rig.Ram.Write16(queue.Driver + 2, 0);
        _rig.Ram.Write16(queue.Driver, 0x1234); // a place, which says nothing without the event index
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Equal(1, _rig.Messages.Count);
    }

    private PackedDriverQueue Start(bool tables)
    {
        var queue = (PackedDriverQueue)_driver.Start(RingKinds.Features(packed: true, tables, eventIndex: false));
        queue.UsesTables = false;
        return queue;
    }

    private void AssertBroken(PackedDriverQueue queue)
    {
        _driver.Notify(0);
        Assert.True(_driver.NeedsReset);
        Assert.Equal(0, _device.Served);
        Assert.Null(queue.Take());
    }
}
