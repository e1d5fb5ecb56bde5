using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 2.7 Split Virtqueues.</summary>
public sealed class SplitQueueTests : IDisposable
{
    private readonly EchoDevice _device = new(new ImmediateExecutor());
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;

    public SplitQueueTests()
    {
        _rig = new VirtioRig(_device);
        _driver = new VirtioDriver(_rig);
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void S2_7_5_3_2_WriteFlagOfATable_IsIgnored()
    {
        SplitDriverQueue queue = Start(tables: true);
        Gpa table = Table(queue, new Entry(_rig.Ram.Take(8), 8, DescriptorFlags.Next, 1), new Entry(_rig.Ram.Take(8), 8, DescriptorFlags.Write, 0));
        queue.PutDescriptor(queue.Descriptors, table, 32, DescriptorFlags.Indirect | DescriptorFlags.Write, 0);
        queue.Offer(0);
        _driver.Notify(0);

        Assert.Equal(new UsedBuffer(0, 8), queue.Take());
    }

    [Fact]
    public void S2_7_5_3_2_DescriptorsBeforeATable_AreOneChainWithIt()
    {
        SplitDriverQueue queue = Start(tables: true);
        byte[] sent = [1, 2, 3, 4, 5, 6, 7, 8];
        Gpa from = _rig.Ram.Put(sent);
        Gpa to = _rig.Ram.Take(8);
        Gpa table = Table(queue, new Entry(from + 5, 3, DescriptorFlags.Next, 1), new Entry(to, 8, DescriptorFlags.Write, 0));
        queue.Offer(queue.Chain([new Piece(from, 2, false), new Piece(from + 2, 3, false)], (table, 32)));
        _driver.Notify(0);

        Assert.Equal(new UsedBuffer(0, 8), queue.Take());
        Assert.Equal(sent, _rig.Ram.Read(to, 8));
    }

    [Fact]
    public void S2_7_5_3_IndirectNotNegotiated_NeedsReset()
    {
        SplitDriverQueue queue = Start(tables: false);
        Gpa table = Table(queue, new Entry(_rig.Ram.Take(8), 8, DescriptorFlags.Write, 0));
        queue.PutDescriptor(queue.Descriptors, table, 16, DescriptorFlags.Indirect, 0);
        AssertBroken(queue, 0);
    }

    [Fact]
    public void S2_7_5_3_1_IndirectWithinIndirect_NeedsReset()
    {
        SplitDriverQueue queue = Start(tables: true);
        Gpa inner = Table(queue, new Entry(_rig.Ram.Take(8), 8, DescriptorFlags.Write, 0));
        Gpa outer = Table(queue, new Entry(inner, 16, DescriptorFlags.Indirect, 0));
        queue.PutDescriptor(queue.Descriptors, outer, 16, DescriptorFlags.Indirect, 0);
        AssertBroken(queue, 0);
    }

    [Fact]
    public void S2_7_5_3_1_IndirectWithNext_NeedsReset()
    {
        SplitDriverQueue queue = Start(tables: true);
        Gpa table = Table(queue, new Entry(_rig.Ram.Take(8), 8, DescriptorFlags.Write, 0));
        queue.PutDescriptor(queue.Descriptors, table, 16, DescriptorFlags.Indirect | DescriptorFlags.Next, 1);
        queue.PutDescriptor(queue.Descriptors + 16, _rig.Ram.Take(8), 8, DescriptorFlags.Write, 0);
        AssertBroken(queue, 0);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    [InlineData(24u)]
    [InlineData(1u << 20)]
    [InlineData(0xFFFF_FFF0u)]
    public void S2_7_5_3_TableOfNoOrManyOrPartOfDescriptors_NeedsReset(uint bytes)
    {
        SplitDriverQueue queue = Start(tables: true);
        Gpa table = Table(queue, new Entry(_rig.Ram.Take(8), 8, DescriptorFlags.Write, 0));
        queue.PutDescriptor(queue.Descriptors, table, bytes, DescriptorFlags.Indirect, 0);
        AssertBroken(queue, 0);
    }

    [Fact]
    public void S2_7_5_2_Loop_NeedsReset()
    {
        SplitDriverQueue queue = Start(tables: false);
        queue.PutDescriptor(queue.Descriptors, _rig.Ram.Take(8), 8, DescriptorFlags.Next, 1);
        queue.PutDescriptor(queue.Descriptors + 16, _rig.Ram.Take(8), 8, DescriptorFlags.Next, 0);
        AssertBroken(queue, 0);
    }

    [Fact]
    public void S2_7_5_2_LoopInATable_NeedsReset()
    {
        SplitDriverQueue queue = Start(tables: true);
        Gpa table = Table(queue, new Entry(_rig.Ram.Take(8), 8, DescriptorFlags.Next, 0));
        queue.PutDescriptor(queue.Descriptors, table, 16, DescriptorFlags.Indirect, 0);
        AssertBroken(queue, 0);
    }

    [Fact]
    public void S2_7_4_2_WritableBeforeReadable_NeedsReset()
    {
        SplitDriverQueue queue = Start(tables: false);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true), new Piece(_rig.Ram.Take(8), 8, false));
        AssertBroken(queue, null);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(0xFFFF)]
    public void S2_7_6_HeadBehindTheTable_NeedsReset(ushort head) => AssertBroken(Start(tables: false), head);

    [Fact]
    public void S2_7_5_NextBehindTheTable_NeedsReset()
    {
        SplitDriverQueue queue = Start(tables: false);
        queue.PutDescriptor(queue.Descriptors, _rig.Ram.Take(8), 8, DescriptorFlags.Next, 16);
        AssertBroken(queue, 0);
    }

    [Fact]
    public void S2_7_6_MoreAvailableThanThereAre_NeedsReset()
    {
        SplitDriverQueue queue = Start(tables: false);
        queue.AvailableIndex = (ushort)(queue.Size + 1);
        _driver.Notify(0);
        Assert.True(_driver.NeedsReset);
        Assert.Equal(0, _device.Served);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void S2_7_7_2_WithoutEventIndex_UsedEventIsIgnored(bool refused)
    {
        _driver.UseMsix(2);
        var queue = (SplitDriverQueue)_driver.Start(RingKinds.Split, vector: 1);
        _rig.Ram.Write16(queue.Driver + (4 + (2 * (ulong)queue.Size)), refused ? (ushort)0 : (ushort)0x8000);
        _rig.Ram.Write16(queue.Driver, refused ? (ushort)1 : (ushort)0);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Equal(refused ? 0 : 1, _rig.Messages.Count);
    }

    [Fact]
    public void S2_7_7_2_WithEventIndex_FlagsAreIgnored()
    {
        _driver.UseMsix(2);
        var queue = (SplitDriverQueue)_driver.Start(RingKinds.Features(packed: false, tables: false, eventIndex: true), vector: 1);
        queue.AskInterrupt();
        _rig.Ram.Write16(queue.Driver, 1);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Equal(1, _rig.Messages.Count);
    }

    [Fact]
    public void S2_7_7_2_UsedEvent_MeansTheIndexThatIsReachedOnceAround()
    {
        _driver.UseMsix(2);
        var queue = (SplitDriverQueue)_driver.Start(RingKinds.Features(packed: false, tables: false, eventIndex: true), vector: 1);
        _rig.Ram.Write16(queue.Driver + (4 + (2 * (ulong)queue.Size)), 0);
        Gpa at = _rig.Ram.Take(8);
        for (int i = 0; i < 0x1_0001; i++)
        {
            queue.Add(new Piece(at, 8, true));
            _driver.Notify(0);
            Assert.Equal(i is 0 or 0x1_0000 ? 1 : 0, _rig.Messages.Take().Length);
            queue.Take();
        }
    }

    [Fact]
    public void S2_7_8_2_Length_IsSetBeforeTheIndexAndIsNoMoreThanWasWritten()
    {
        SplitDriverQueue queue = Start(tables: false);
        uint lengthThen = uint.MaxValue;
        Gpa to = _rig.Ram.Take(64);
        _rig.Ram.Write(to, [.. Enumerable.Repeat((byte)0xEE, 64)]);
        queue.Add(new Piece(_rig.Ram.Put([1, 2, 3]), 3, false), new Piece(to, 64, true));
        _device.BeforeEach = () => lengthThen = queue.UsedIndex;
        _driver.Notify(0);

        Assert.Equal(0u, lengthThen); // nothing shows before the work is done
        Assert.Equal(new UsedBuffer(0, 3), queue.Take());
        Assert.Equal([1, 2, 3, 0xEE], _rig.Ram.Read(to, 4));
    }

    [Fact]
    public void S2_7_10_2_UsedFlags_AreZeroOrOneAndZeroWithEventIndex()
    {
        SplitDriverQueue queue = Start(tables: false);
        ushort during = 0xFFFF;
        _device.BeforeEach = () => during = queue.UsedFlags;
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Equal(1, during);
        Assert.Equal(0, queue.UsedFlags);

        queue = (SplitDriverQueue)_driver.Start(RingKinds.Features(packed: false, tables: false, eventIndex: true));
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.Equal(0, during);
        Assert.Equal(0, queue.UsedFlags);
    }

    [Fact]
    public void S2_7_13_AvailableIndex_WrapsAt65536()
    {
        SplitDriverQueue queue = Start(tables: false);
        Gpa at = _rig.Ram.Take(8);
        for (int i = 0; i < 70_000; i++)
        {
            queue.Add(new Piece(at, 8, true));
            _driver.Notify(0);
            Assert.NotNull(queue.Take());
        }
    }

    private SplitDriverQueue Start(bool tables)
    {
        var queue = (SplitDriverQueue)_driver.Start(RingKinds.Features(packed: false, tables, eventIndex: false));
        queue.UsesTables = false;
        return queue;
    }

    private Gpa Table(SplitDriverQueue queue, params ReadOnlySpan<Entry> entries)
    {
        Gpa table = _rig.Ram.Take((ulong)entries.Length * 16);
        for (int i = 0; i < entries.Length; i++)
        {
            queue.PutDescriptor(table + (16 * (ulong)i), entries[i].Address, entries[i].Length, entries[i].Flags, entries[i].Next);
        }

        return table;
    }

    private void AssertBroken(SplitDriverQueue queue, ushort? head)
    {
        if (head is { } first)
        {
            queue.Offer(first);
        }

        _driver.Notify(0);
        Assert.True(_driver.NeedsReset);
        Assert.Equal(0, _device.Served);
        Assert.Null(queue.Take());
    }

    private readonly record struct Entry(Gpa Address, uint Length, DescriptorFlags Flags, ushort Next);
}
