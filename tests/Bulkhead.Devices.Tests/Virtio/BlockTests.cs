using System.Buffers.Binary;
using System.Text;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Chipset;
using Bulkhead.Devices.Tests.Disks;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Block;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 5.2 Block Device.</summary>
public sealed class BlockTests : IDisposable
{
    private const int Sectors = 2048;
    private const ulong Cached = RingKinds.Split | BlockFeatures.Flush;

    private readonly MemoryDisk _disk = new(Sectors);
    private VirtioRig _rig;
    private VirtioDriver _driver;

    public BlockTests() => (_rig, _driver) = Build(_disk);

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void S5_2_4_Configuration_SaysWhatTheDiskIs()
    {
        Assert.Equal((ulong)Sectors, _driver.Read(PciCapabilityKind.Device, BlockConfig.Capacity, 8));
        Assert.Equal((ulong)Sectors, _driver.Read(PciCapabilityKind.Device, BlockConfig.Capacity, 4));
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, BlockConfig.Capacity + 4, 4));
        Assert.Equal(512ul, _driver.Read(PciCapabilityKind.Device, BlockConfig.BlockSize, 4));
        Assert.Equal(2ul, _driver.Read(PciCapabilityKind.Device, BlockConfig.QueueCount, 2));
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, 33, 1)); // unused0
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, 57, 1)); // unused1
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, 58, 2));
    }

    [Fact]
    public void S5_2_5_2_Flush_IsOfferedWithTheConfigurableCache()
    {
        ulong offered = _driver.Offered;
        Assert.NotEqual(0ul, offered & BlockFeatures.ConfigurableCache);
        Assert.NotEqual(0ul, offered & BlockFeatures.Flush);
        Assert.Equal(0ul, offered & BlockFeatures.ReadOnly);
    }

    [Fact]
    public void S5_2_5_2_ConfigurableCacheWithoutFlush_BeginsAsWritethrough()
    {
        Assert.True(_driver.Negotiate(RingKinds.Split | BlockFeatures.ConfigurableCache));
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, BlockConfig.Writeback, 1));
        Assert.True(_driver.Negotiate(Cached | BlockFeatures.ConfigurableCache));
        Assert.Equal(1ul, _driver.Read(PciCapabilityKind.Device, BlockConfig.Writeback, 1));
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void S5_2_6_WriteThenRead_IsTheSame(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables, eventIndex, inOrder) | BlockFeatures.Flush);
        byte[] data = new byte[4 * 512];
        new Random(3).NextBytes(data);
        Assert.Equal((BlockStatus.Ok, 1u), Request(queue, BlockRequestType.Write, 7, data));
        Assert.Equal(data, _disk.Bytes.AsSpan(7 * 512, data.Length));

        byte[] read = new byte[data.Length];
        Assert.Equal((BlockStatus.Ok, (uint)read.Length + 1), Request(queue, BlockRequestType.Read, 7, read, into: true));
        Assert.Equal(data, read);
    }

    [Fact]
    public void S5_2_6_HeaderDataAndStatus_MayBeCutAnywhere()
    {
        DriverQueue queue = _driver.Start(Cached);
        new Random(4).NextBytes(_disk.Bytes.AsSpan(0, 1024));
        Gpa header = _rig.Ram.Put(Header(BlockRequestType.Read, 0));
        Gpa to = _rig.Ram.Take(1025);
        queue.Add(
            new Piece(header, 5, false), new Piece(header + 5, 11, false),
            new Piece(to, 1, true), new Piece(to + 1, 700, true), new Piece(to + 701, 324, true)); // the last holds the status too
        _driver.Notify(0);

        Assert.Equal(1025u, queue.Take()?.Written);
        Assert.Equal(_disk.Bytes[..1024], _rig.Ram.Read(to, 1024));
        Assert.Equal(0, _rig.Ram.Read(to + 1024, 1)[0]);
    }

    [Fact]
    public void S5_2_6_BufferInManyPieces_GoesToTheFileInOrderAndBack()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["disk.raw"], new byte[Sectors * 512]);
        Rebuild(DiskImages.Open(folder["disk.raw"], new DiskOptions { Format = DiskFormat.Raw }));
        DriverQueue queue = _driver.Start(Cached, 256);
        byte[] data = new byte[40 * 512];
        new Random(5).NextBytes(data);

        (Gpa Address, int Length)[] from = Scatter(data);
        Assert.Equal(1u, Transfer(queue, BlockRequestType.Write, 3, from, into: false));
        (Gpa Address, int Length)[] to = Scatter(new byte[data.Length]);
        Assert.Equal((uint)data.Length + 1, Transfer(queue, BlockRequestType.Read, 3, to, into: true));

        Assert.Equal(data, to.SelectMany(p => _rig.Ram.Read(p.Address, p.Length)));
        Assert.Equal(data, File.ReadAllBytes(folder["disk.raw"])[(3 * 512)..(43 * 512)]);
    }

    [Theory]
    [InlineData(Sectors, 512)]
    [InlineData(Sectors - 1, 1024)]
    [InlineData(-1, 512)]
    [InlineData(long.MinValue, 512)]
    [InlineData(0, 511)]
    [InlineData(0, 513)]
    public void S5_2_6_1_RequestOutsideTheDiskOrOfPartOfASector_Fails(long sector, int length)
    {
        DriverQueue queue = _driver.Start(Cached);
        byte[] before = [.. _disk.Bytes];
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Write, (ulong)sector, [.. Enumerable.Repeat((byte)1, length)]).Status);
        Assert.Equal(before, _disk.Bytes);
        (BlockStatus status, uint written) = Request(queue, BlockRequestType.Read, (ulong)sector, new byte[length], into: true);
        Assert.Equal((BlockStatus.IoError, 0u), (status, written)); // nothing is to be taken for data
        Assert.False(_driver.NeedsReset);
        Assert.Equal(2, _rig.Pci.Function.Errors);
    }

    [Fact]
    public void S5_2_6_2_ReadOnlyDisk_RefusesEveryChange()
    {
        var disk = new MemoryDisk(Sectors, readOnly: true);
        Rebuild(disk);
        Assert.NotEqual(0ul, _driver.Offered & BlockFeatures.ReadOnly);
        DriverQueue queue = _driver.Start(Cached | BlockFeatures.Discard | BlockFeatures.WriteZeroes);
        byte[] ones = [.. Enumerable.Repeat((byte)1, 512)];
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Write, 0, ones).Status);
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.WriteZeroes, 0, Range(0, 1, 0)).Status);
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Discard, 0, Range(0, 1, 0)).Status);
        Assert.Equal(BlockStatus.Ok, Request(queue, BlockRequestType.Read, 0, ones, into: true).Status);
        Assert.Equal(new byte[512], ones);
    }

    [Theory]
    [InlineData(BlockRequestType.Discard, 1u)]
    [InlineData(BlockRequestType.Discard, 2u)]
    [InlineData(BlockRequestType.WriteZeroes, 2u)]
    [InlineData(BlockRequestType.WriteZeroes, 0x8000_0001u)]
    public void S5_2_6_2_UnknownFlag_IsUnsupportedWhereverItStands(BlockRequestType type, uint flags)
    {
        DriverQueue queue = _driver.Start(Cached | BlockFeatures.Discard | BlockFeatures.WriteZeroes);
        _disk.Bytes.AsSpan().Fill(7);
        byte[] ranges = [.. Range(Sectors + 5, 1, 0), .. Range(0, 1, flags)];
        Assert.Equal(BlockStatus.Unsupported, Request(queue, type, 0, ranges).Status);
        Assert.Equal(7, _disk.Bytes[0]);
        Assert.Equal(0, _disk.Discards);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    public void S5_2_6_2_WriteZeroes_ReadsAsZeros(uint unmap)
    {
        DriverQueue queue = _driver.Start(Cached | BlockFeatures.WriteZeroes);
        _disk.Bytes.AsSpan().Fill(7);
        Assert.Equal((BlockStatus.Ok, 1u), Request(queue, BlockRequestType.WriteZeroes, 0, [.. Range(2, 3, unmap), .. Range(10, 1, unmap)]));
        Assert.Equal(unmap != 0, _disk.MayUnmap);
        for (int sector = 0; sector < 12; sector++)
        {
            Assert.Equal(sector is 2 or 3 or 4 or 10 ? 0 : 7, _disk.Bytes[(sector * 512) + 511]);
        }
    }

    [Theory]
    [InlineData(0)] // none
    [InlineData(15)] // part of one
    [InlineData(65 * 16)] // more than are said
    public void S5_2_6_1_RangesThatAreNone_Fail(int bytes)
    {
        DriverQueue queue = _driver.Start(Cached | BlockFeatures.Discard);
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Discard, 0, new byte[bytes]).Status);
    }

    [Theory]
    [InlineData(Sectors, 1u)]
    [InlineData(0, Sectors + 1u)]
    [InlineData(-1, 1u)]
    [InlineData(0, 0xFFFF_FFFFu)]
    public void S5_2_6_1_RangeOutsideTheDisk_Fails(long sector, uint sectors)
    {
        DriverQueue queue = _driver.Start(Cached | BlockFeatures.Discard | BlockFeatures.WriteZeroes);
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Discard, 0, Range((ulong)sector, sectors, 0)).Status);
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.WriteZeroes, 0, Range((ulong)sector, sectors, 0)).Status);
    }

    [Fact]
    public void S5_2_6_2_NeitherFlushNorCache_WritesAreStableWhenDone()
    {
        DriverQueue queue = _driver.Start(RingKinds.Split);
        AssertStable(queue, stable: true);
    }

    [Fact]
    public void S5_2_6_2_Writethrough_WritesAreStableWhenDone()
    {
        DriverQueue queue = _driver.Start(Cached | BlockFeatures.ConfigurableCache);
        _driver.Write(PciCapabilityKind.Device, BlockConfig.Writeback, 1, 0);
        AssertStable(queue, stable: true);
        _driver.Write(PciCapabilityKind.Device, BlockConfig.Writeback, 1, 1);
        AssertStable(queue, stable: false);
    }

    [Fact]
    public void S5_2_6_2_Flush_MakesFinishedWritesStable()
    {
        DriverQueue queue = _driver.Start(Cached);
        AssertStable(queue, stable: false);
        Assert.Equal((BlockStatus.Ok, 1u), Request(queue, BlockRequestType.Flush, 0, []));
        Assert.Equal(_disk.Bytes, _disk.Stable);
    }

    [Fact]
    public void S5_2_6_2_CacheThatWasNotNegotiated_IsNotSwitched()
    {
        _driver.Start(Cached);
        _driver.Write(PciCapabilityKind.Device, BlockConfig.Writeback, 1, 0);
        Assert.Equal(1ul, _driver.Read(PciCapabilityKind.Device, BlockConfig.Writeback, 1));
    }

    [Fact]
    public void S5_2_6_GetId_IsTheSerialNumberPaddedWithZeros()
    {
        DriverQueue queue = _driver.Start(Cached);
        byte[] id = new byte[20];
        Assert.Equal((BlockStatus.Ok, 21u), Request(queue, BlockRequestType.Identify, 0, id, into: true));
        Assert.Equal("serial-1" + new string('\0', 12), Encoding.ASCII.GetString(id));
    }

    [Theory]
    [InlineData(10u)] // lifetime, which there is none of
    [InlineData(14u)] // secure erase
    [InlineData(2u)]
    [InlineData(0xFFFF_FFFFu)]
    public void S5_2_6_UnknownRequest_IsUnsupported(uint type)
    {
        DriverQueue queue = _driver.Start(Cached);
        Assert.Equal(BlockStatus.Unsupported, Request(queue, (BlockRequestType)type, 0, new byte[512]).Status);
        Assert.False(_driver.NeedsReset);
    }

    [Theory]
    [InlineData(DiskResult.IoError)]
    [InlineData(DiskResult.NoSpace)]
    public void S5_2_6_DiskThatFails_IsAnIoError(DiskResult result)
    {
        DriverQueue queue = _driver.Start(Cached | BlockFeatures.Discard | BlockFeatures.WriteZeroes);
        _disk.Broken = result;
        Assert.Equal((BlockStatus.IoError, 0u), Request(queue, BlockRequestType.Read, 0, new byte[512], into: true));
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Write, 0, new byte[512]).Status);
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Flush, 0, []).Status);
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Discard, 0, Range(0, 1, 0)).Status);
        _disk.Broken = null;
        Assert.Equal(BlockStatus.Ok, Request(queue, BlockRequestType.Read, 0, new byte[512], into: true).Status);
    }

    [Fact]
    public void BufferThatIsNoRequest_NeedsReset()
    {
        DriverQueue queue = _driver.Start(Cached);
        queue.Add(new Piece(_rig.Ram.Take(15), 15, false), new Piece(_rig.Ram.Take(1), 1, true));
        _driver.Notify(0);
        Assert.True(_driver.NeedsReset);

        queue = _driver.Start(Cached);
        queue.Add(new Piece(_rig.Ram.Put(Header(BlockRequestType.Flush, 0)), 16, false)); // nowhere to put the status
        _driver.Notify(0);
        Assert.True(_driver.NeedsReset);
    }

    [Fact]
    public void Queues_BothServe()
    {
        Assert.True(_driver.Negotiate(Cached | BlockFeatures.MultiQueue));
        DriverQueue first = _driver.Open(0, 8);
        DriverQueue second = _driver.Open(1, 8);
        _driver.Ready();
        Assert.Equal(BlockStatus.Ok, Request(first, BlockRequestType.Flush, 0, []).Status);
        Assert.Equal(BlockStatus.Ok, Request(second, BlockRequestType.Flush, 0, [], number: 1).Status);
    }

    // A hundred pieces of odd lengths, some of them none, the later ones before the earlier.
    private (Gpa Address, int Length)[] Scatter(byte[] data)
    {
        var random = new Random(6);
        int[] cuts = [0, .. Enumerable.Range(0, 99).Select(_ => random.Next(data.Length + 1)).Order(), data.Length];
        var pieces = new (Gpa Address, int Length)[cuts.Length - 1];
        for (int i = pieces.Length - 1; i >= 0; i--)
        {
            pieces[i] = (_rig.Ram.Put(data.AsSpan(cuts[i]..cuts[i + 1])), cuts[i + 1] - cuts[i]);
        }

        return pieces;
    }

    private uint? Transfer(DriverQueue queue, BlockRequestType type, ulong sector, (Gpa Address, int Length)[] pieces, bool into)
    {
        Gpa status = _rig.Ram.Put([0xEE]);
        queue.Add([new Piece(_rig.Ram.Put(Header(type, sector)), 16, false), .. pieces.Select(p => new Piece(p.Address, (uint)p.Length, into)), new Piece(status, 1, true)]);
        _driver.Notify(0);
        uint? written = queue.Take()?.Written;
        Assert.Equal(0, _rig.Ram.Read(status, 1)[0]);
        return written;
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void BufferAddedWhileTheDeviceLooks_IsServedWithoutANotification(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        _rig.Dispose();
        var executor = new LingeringExecutor();
        _rig = new VirtioRig(new VirtioBlock(_disk, "serial-1", [executor]));
        _driver = new VirtioDriver(_rig);
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables, eventIndex, inOrder) | BlockFeatures.Flush);
        AddFlush(queue);
        Assert.True(queue.MustNotify());
        bool notifies = true;
        executor.Meanwhile = () =>
        {
            AddFlush(queue);
            notifies = queue.MustNotify();
        };

        _driver.Notify(0);

        Assert.False(notifies);
        Assert.NotNull(queue.Take());
        Assert.NotNull(queue.Take());
        AddFlush(queue);
        Assert.True(queue.MustNotify());
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void Limit_RequestsThatAreTooMany_WaitForTheirTurn(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        var clock = new FakeClock();
        var timers = new TimerQueue(static () => { });
        ulong features = RingKinds.Features(packed, tables, eventIndex, inOrder) | BlockFeatures.Flush;
        DriverQueue queue = StartLimited(new RateLimit(10, 0, 200_000_000), clock, timers, features);
        for (int i = 0; i < 6; i++)
        {
            AddFlush(queue);
        }

        _driver.Notify(0);

        Assert.Equal(3, CountUsed(queue)); // a burst of two, and one
        _driver.Notify(0); // hurries nobody
        Assert.Equal(0, CountUsed(queue));
        clock.Advance(99_000_000, timers);
        Assert.Equal(0, CountUsed(queue));
        clock.Advance(1_000_000, timers);
        Assert.Equal(1, CountUsed(queue));
        clock.Advance(1_000_000_000, timers);
        Assert.Equal(2, CountUsed(queue));
        AddFlush(queue);
        Assert.True(queue.MustNotify());
    }

    [Fact]
    public void Limit_OfBytes_CountsDataAlone()
    {
        var clock = new FakeClock();
        var timers = new TimerQueue(static () => { });
        DriverQueue queue = StartLimited(new RateLimit(0, 5120, 0), clock, timers, Cached);
        byte[] data = new byte[512];
        Assert.Equal(BlockStatus.Ok, Request(queue, BlockRequestType.Read, 0, data, into: true).Status);
        clock.Advance(100_000_000, timers);
        Assert.Equal(BlockStatus.Ok, Request(queue, BlockRequestType.Write, 0, data).Status);
        AddFlush(queue);
        _driver.Notify(0);
        Assert.Equal(0, CountUsed(queue));
        clock.Advance(100_000_000, timers);
        Assert.Equal(1, CountUsed(queue));
    }

    [Fact]
    public void Limit_ResetWhileARequestWaits_ForgetsIt()
    {
        var clock = new FakeClock();
        var timers = new TimerQueue(static () => { });
        DriverQueue queue = StartLimited(new RateLimit(1, 0, 0), clock, timers, Cached);
        AddFlush(queue);
        AddFlush(queue);
        _driver.Notify(0);
        Assert.Equal(1, CountUsed(queue));
        _driver.Reset();

        clock.Advance(5_000_000_000, timers);

        Assert.Equal(0, CountUsed(queue));
        queue = _driver.Start(Cached);
        Assert.Equal(BlockStatus.Ok, Request(queue, BlockRequestType.Flush, 0, []).Status);
    }

    [Fact]
    public void Resize_WhileADriverIsThere_TellsItAndServesWhatIsNew()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["disk.raw"], new byte[Sectors * 512]);
        using IDisk disk = DiskImages.Open(folder["disk.raw"], new DiskOptions { Format = DiskFormat.Raw });
        _rig.Dispose();
        var device = new VirtioBlock(disk, "serial-1", [new ImmediateExecutor()]);
        _rig = new VirtioRig(device);
        _driver = new VirtioDriver(_rig);
        device.NoteResized(); // to nobody
        _driver.UseMsix(2);
        Assert.True(_driver.Negotiate(Cached));
        _driver.Common(PciCommonConfig.ConfigVector, 2, 1);
        DriverQueue queue = _driver.Open(0, 16);
        _driver.Ready();
        byte[] data = [.. Enumerable.Repeat((byte)5, 512)];
        Assert.Equal(BlockStatus.IoError, Request(queue, BlockRequestType.Write, Sectors, data).Status);
        ulong before = _driver.Common(PciCommonConfig.ConfigGeneration, 1);

        Assert.Equal((Sectors + 8) * 512, DiskWork.Resize(disk, "disk", (Sectors + 8) * 512));
        device.NoteResized();

        Assert.Equal([VirtioDriver.FirstMessage + 1], _rig.Messages.Take());
        Assert.Equal(Sectors + 8ul, _driver.Read(PciCapabilityKind.Device, BlockConfig.Capacity, 8));
        Assert.NotEqual(before, _driver.Common(PciCommonConfig.ConfigGeneration, 1));
        Assert.Equal(BlockStatus.Ok, Request(queue, BlockRequestType.Write, Sectors, data).Status);
        Assert.Equal(5, File.ReadAllBytes(folder["disk.raw"])[Sectors * 512]);
        _driver.Reset();
        device.NoteResized();
        Assert.Empty(_rig.Messages.Take());
    }

    private DriverQueue StartLimited(RateLimit limit, FakeClock clock, TimerQueue timers, ulong features)
    {
        _rig.Dispose();
        _rig = new VirtioRig(new VirtioBlock(_disk, "serial-1", [new ImmediateExecutor(timers)], new Throttle(limit, () => clock.NowNs)));
        _driver = new VirtioDriver(_rig);
        return _driver.Start(features);
    }

    private static int CountUsed(DriverQueue queue)
    {
        int count = 0;
        while (queue.Take() is not null)
        {
            count++;
        }

        return count;
    }

    private void AddFlush(DriverQueue queue) =>
        queue.Add(new Piece(_rig.Ram.Put(Header(BlockRequestType.Flush, 0)), 16, false), new Piece(_rig.Ram.Put([0xEE]), 1, true));

    private static (VirtioRig, VirtioDriver) Build(IDisk disk)
    {
        var rig = new VirtioRig(new VirtioBlock(disk, "serial-1", [new ImmediateExecutor(), new ImmediateExecutor()]));
        return (rig, new VirtioDriver(rig));
    }

    private void Rebuild(IDisk disk)
    {
        _rig.Dispose();
        (_rig, _driver) = Build(disk);
    }

    private void AssertStable(DriverQueue queue, bool stable)
    {
        byte[] data = new byte[512];
        Random.Shared.NextBytes(data);
        Assert.Equal(BlockStatus.Ok, Request(queue, BlockRequestType.Write, 5, data).Status);
        Assert.Equal(stable, _disk.Stable.AsSpan(5 * 512, 512).SequenceEqual(data));
    }

    private (BlockStatus Status, uint Written) Request(DriverQueue queue, BlockRequestType type, ulong sector, byte[] data, bool into = false, int number = 0)
    {
        Gpa header = _rig.Ram.Put(Header(type, sector));
        Gpa at = _rig.Ram.Put(data);
        Gpa status = _rig.Ram.Put([0xEE]);
        queue.Add(new Piece(header, 16, false), new Piece(at, (uint)data.Length, into), new Piece(status, 1, true));
        _driver.Notify(number);
        UsedBuffer? used = queue.Take();
        Assert.NotNull(used);
        _rig.Ram.Read(at, data.Length).CopyTo(data, 0);
        return ((BlockStatus)_rig.Ram.Read(status, 1)[0], used.Value.Written);
    }

    private static byte[] Header(BlockRequestType type, ulong sector)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)type);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sector);
        return header;
    }

    private static byte[] Range(ulong sector, uint sectors, uint flags)
    {
        byte[] range = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(range, sector);
        BinaryPrimitives.WriteUInt32LittleEndian(range.AsSpan(8), sectors);
        BinaryPrimitives.WriteUInt32LittleEndian(range.AsSpan(12), flags);
        return range;
    }
}
