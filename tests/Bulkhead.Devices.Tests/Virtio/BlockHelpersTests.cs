using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Block;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>A disk with one queue and four threads: requests under way at once.</summary>
public sealed class BlockHelpersTests : IDisposable
{
    private const int WaitMs = 30_000;
    private const int Helpers = 3;
    private const ulong Cached = RingKinds.Split | BlockFeatures.Flush;

    private readonly GatedDisk _disk = new(64);
    private ThreadExecutor _executor = new("test disk", null, Helpers);
    private VirtioRig _rig;
    private VirtioDriver _driver;

    public BlockHelpersTests()
    {
        _rig = new VirtioRig(new VirtioBlock(_disk, "x", [_executor]));
        _driver = new VirtioDriver(_rig);
        for (int i = 0; i < _disk.Inner.Bytes.Length; i++)
        {
            _disk.Inner.Bytes[i] = (byte)(i / 512 + 1);
        }
    }

    public void Dispose()
    {
        _disk.Let();
        _rig.Dispose();
        _executor.Dispose();
    }

    [Fact]
    public void S6_1_InOrder_IsNotOfferedWhereRequestsOvertakeEachOther()
    {
        Assert.Equal(0ul, _driver.Offered & VirtioFeatures.InOrder);
        using var alone = new VirtioRig(new VirtioBlock(_disk, "x", [new ImmediateExecutor()]));
        Assert.NotEqual(0ul, new VirtioDriver(alone).Offered & VirtioFeatures.InOrder);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Requests_ThatWait_AreUnderWayTogetherAndComeBackInAnyOrder(bool packed, bool eventIndex)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: false, eventIndex));
        (int Id, Gpa Data)[] requests = [.. Enumerable.Range(0, 6).Select(sector => Add(queue, BlockRequestType.Read, (ulong)sector))];
        _driver.Notify(0);

        Assert.Equal([0, 1, 2, 3], _disk.Await(Helpers + 1));
        Assert.Null(queue.Take());
        foreach (int sector in (int[])[2, 4, 0, 5, 3, 1])
        {
            _disk.Let(sector);
            UsedBuffer used = Next(queue);
            Assert.Equal(new UsedBuffer(requests[sector].Id, 513), used);
            Assert.Equal([.. Enumerable.Repeat((byte)(sector + 1), 512), (byte)BlockStatus.Ok], _rig.Ram.Read(requests[sector].Data, 513));
        }

        (int Id, Gpa Data) last = Add(queue, BlockRequestType.Read, 5);
        if (queue.MustNotify())
        {
            _driver.Notify(0);
        }

        Assert.Equal(last.Id, Next(queue).Id);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Request_WhileTheOthersAreAtTheDisk_IsAskedForAndTakenByAHelper(bool packed, bool eventIndex)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: false, eventIndex));
        for (int sector = 0; sector <= Helpers; sector++)
        {
            Add(queue, BlockRequestType.Read, (ulong)sector);
            bool asked = queue.MustNotify();
            if (asked)
            {
                _driver.Notify(0);
            }

            Assert.True(asked || sector == 0); // it may still look by itself since its start
            Assert.Equal(sector + 1, _disk.Await(sector + 1).Length);
        }

        _disk.Let();
        for (int sector = 0; sector <= Helpers; sector++)
        {
            Next(queue);
        }
    }

    [Fact]
    public void S5_2_6_2_Flush_CoversTheWritesDoneBefore_AndWaitsForNoOther()
    {
        DriverQueue queue = _driver.Start(Cached);
        for (ulong sector = 0; sector < 4; sector++)
        {
            Add(queue, BlockRequestType.Write, sector);
        }

        _driver.Notify(0);
        _disk.Await(4);
        _disk.Let(0, 1, 3);
        for (int i = 0; i < 3; i++)
        {
            Next(queue);
        }

        int flush = Add(queue, BlockRequestType.Flush, 0).Id;
        _driver.Notify(0);

        Assert.Equal(flush, Next(queue).Id);
        Assert.Equal([0xA0, 0xA1, 3, 0xA3], (byte[])[.. Enumerable.Range(0, 4).Select(sector => _disk.Inner.Stable[sector * 512])]);
        _disk.Let(2);
        Next(queue);
        Assert.Equal(0xA2, _disk.Inner.Bytes[2 * 512]);
    }

    [Fact]
    public void Fault_OfOneRequest_IsItsOwn()
    {
        _disk.Broken = 1;
        DriverQueue queue = _driver.Start(RingKinds.Split);
        (int Id, Gpa Data)[] requests = [.. Enumerable.Range(0, 4).Select(sector => Add(queue, BlockRequestType.Read, (ulong)sector))];
        _driver.Notify(0);
        _disk.Await(4);
        _disk.Let();
        for (int i = 0; i < 4; i++)
        {
            Next(queue);
        }

        Assert.Equal([0, 1, 0, 0], (byte[])[.. requests.Select(r => _rig.Ram.Read(r.Data + 512, 1)[0])]);
        Assert.Equal(1, _rig.Pci.Function.Errors);
        Assert.False(_driver.NeedsReset);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void BufferThatIsNoRequest_BreaksTheQueue_AndTheOthersStillEnd(int number)
    {
        DriverQueue queue = _driver.Start(RingKinds.Split);
        for (int i = 0; i < 4; i++)
        {
            if (i == number)
            {
                queue.Add(new Piece(_rig.Ram.Take(16), 16, false));
            }
            else
            {
                Add(queue, BlockRequestType.Read, (ulong)i);
            }
        }

        _driver.Notify(0);
        Assert.True(SpinWait.SpinUntil(() => _driver.NeedsReset, WaitMs));
        _disk.Let();
        _driver.Reset();
        AssertWorks();
    }

    [Theory]
    [InlineData(0)] // where the queue's own thread is
    [InlineData(2)]
    public void Bug_WithSeveralUnderWay_FailsTheDeviceUntilItsReset(long sector)
    {
        _disk.Buggy = sector;
        DriverQueue queue = _driver.Start(RingKinds.Split);
        Read(queue, 4);
        _disk.Await(4);
        _disk.Let(sector);
        Assert.True(SpinWait.SpinUntil(() => _driver.NeedsReset, WaitMs));
        _driver.Status = 0;
        Assert.NotEqual(0, _driver.Status); // three are at the disk
        _disk.Let();
        _driver.Reset();
        _disk.Buggy = null;
        AssertWorks();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void S2_4_1_Reset_WaitsForAllThatAreUnderWay(bool packed)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: false, eventIndex: false));
        Read(queue, 5);
        _disk.Await(4);
        _driver.Status = 0;
        foreach (long sector in (long[])[1, 0, 3])
        {
            _disk.Let(sector);
            Assert.True(SpinWait.SpinUntil(() => !_disk.Await(0).Contains(sector), WaitMs));
            Assert.NotEqual(0, _driver.Status);
        }

        _disk.Let(2);
        Assert.True(SpinWait.SpinUntil(() => _driver.Status == 0, WaitMs));
        Assert.Empty(_disk.Await(0)); // the fifth was never begun
        _driver.AssertUntouched();
        _disk.Let();
        AssertWorks();
    }

    [Fact]
    public void Reset_ManyTimesUnderLoad_NeverTouchesWhatTheDriverHasAgain()
    {
        _disk.Let();
        _disk.Inner.Before = static () => Thread.Yield();
        for (int round = 0; round < 200; round++)
        {
            _rig.Ram.Restart();
            DriverQueue queue = _driver.Start(RingKinds.Features((round & 1) != 0, tables: false, eventIndex: (round & 2) != 0));
            for (ulong i = 0; i < 5; i++)
            {
                Add(queue, BlockRequestType.Read, i);
                _driver.Notify(0);
            }

            _driver.Reset();
            _driver.AssertUntouched();
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Requests_AddedAsOthersComeBack_AllComeBackOnce(bool packed, bool eventIndex)
    {
        const int Count = 5000;
        _disk.Let();
        _disk.Inner.Before = static () => Thread.Yield();
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: false, eventIndex));
        Gpa header = _rig.Ram.Take(16);
        Gpa data = _rig.Ram.Take(513);
        int added = 0;
        int taken = 0;
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                while (queue.Take() is not null)
                {
                    taken++;
                }

                bool adds = added < Count && added - taken < 6;
                for (; added < Count && added - taken < 6; added++)
                {
                    queue.Add(new Piece(header, 16, false), new Piece(data, 513, true));
                }

                if (adds && queue.MustNotify())
                {
                    _driver.Notify(0);
                }

                return taken == Count;
            },
            2 * WaitMs));
        Assert.Null(queue.Take());
    }

    [Fact]
    public void Limit_WithHelpers_LetsNoMoreThrough()
    {
        long nowNs = 0;
        _rig.Dispose();
        _executor.Dispose();
        _executor = new ThreadExecutor("test disk", null, Helpers);
        _rig = new VirtioRig(new VirtioBlock(_disk, "x", [_executor], new Throttle(new RateLimit(10, 0, 200_000_000), () => Volatile.Read(ref nowNs))));
        _driver = new VirtioDriver(_rig);
        _disk.Let();
        DriverQueue queue = _driver.Start(RingKinds.Split);
        Read(queue, 5);
        for (int i = 0; i < 3; i++)
        {
            Next(queue); // a burst of two, and one
        }

        Assert.False(SpinWait.SpinUntil(() => queue.Take() is not null, 20));
        Volatile.Write(ref nowNs, 1_000_000_000);
        _driver.Notify(0);
        Next(queue);
        Next(queue);
    }

    private void Read(DriverQueue queue, ulong sectors)
    {
        for (ulong sector = 0; sector < sectors; sector++)
        {
            Add(queue, BlockRequestType.Read, sector);
        }

        _driver.Notify(0);
    }

    private static UsedBuffer Next(DriverQueue queue)
    {
        UsedBuffer? used = null;
        Assert.True(SpinWait.SpinUntil(() => (used = queue.Take()) is not null, WaitMs));
        return used.GetValueOrDefault();
    }

    // A sector that is read, or written with 0xA0 and its number; where what is written begins, its status behind the sector.
    private (int Id, Gpa Data) Add(DriverQueue queue, BlockRequestType type, ulong sector)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)type);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sector);
        var first = new Piece(_rig.Ram.Put(header), 16, false);
        Gpa data = _rig.Ram.Take(513);
        if (type != BlockRequestType.Write)
        {
            uint length = type == BlockRequestType.Read ? 513u : 1;
            return (queue.Add(first, new Piece(data, length, true)), data);
        }

        _rig.Ram.Write(data, [.. Enumerable.Repeat((byte)(0xA0 + sector), 512)]);
        return (queue.Add(first, new Piece(data, 512, false), new Piece(data + 512, 1, true)), data);
    }

    private void AssertWorks()
    {
        DriverQueue queue = _driver.Start(RingKinds.Split);
        Read(queue, 5);
        for (int i = 0; i < 5; i++)
        {
            Next(queue);
        }

        Assert.False(_driver.NeedsReset);
    }
}
