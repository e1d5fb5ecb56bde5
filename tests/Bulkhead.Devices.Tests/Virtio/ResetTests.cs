using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Block;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>Resets while requests are under way on threads of the device.</summary>
public sealed class ResetTests : IDisposable
{
    private const int WaitMs = 30_000;

    private readonly MemoryDisk _disk = new(64);
    private readonly ThreadExecutor[] _executors = [new("test disk 0"), new("test disk 1")];
    private readonly ManualResetEventSlim _entered = new();
    private readonly ManualResetEventSlim _release = new();
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;

    public ResetTests()
    {
        _rig = new VirtioRig(new VirtioBlock(_disk, "x", _executors));
        _driver = new VirtioDriver(_rig);
        _disk.Before = () =>
        {
            _entered.Set();
            Assert.True(_release.Wait(WaitMs, TestContext.Current.CancellationToken));
        };
    }

    public void Dispose()
    {
        _release.Set();
        _rig.Dispose();
        foreach (ThreadExecutor executor in _executors)
        {
            executor.Dispose();
        }

        _entered.Dispose();
        _release.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void S2_4_1_Reset_WhileTheDiskIsSlow_ReadsZeroOnlyWhenMemoryIsLeftAlone(bool packed)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: false, eventIndex: false));
        Begin(queue, 0);
        Begin(queue, 0);
        Assert.True(_entered.Wait(WaitMs, TestContext.Current.CancellationToken));

        _driver.Status = 0;
        Assert.NotEqual(0, _driver.Status); // the request holds it up
        _driver.Status = 1;
        _driver.Notify(0);
        Assert.NotEqual(1, _driver.Status);

        _release.Set();
        Assert.True(SpinWait.SpinUntil(() => _driver.Status == 0, WaitMs));
        _driver.AssertUntouched();
    }

    [Fact]
    public void S2_4_1_Reset_WaitsForEveryQueue()
    {
        Assert.True(_driver.Negotiate(RingKinds.Split | BlockFeatures.MultiQueue));
        DriverQueue first = _driver.Open(0, 8);
        DriverQueue second = _driver.Open(1, 8);
        _driver.Ready();
        Begin(second, 1);
        Assert.True(_entered.Wait(WaitMs, TestContext.Current.CancellationToken));
        Begin(first, 0);
        _driver.Status = 0;
        Assert.NotEqual(0, _driver.Status);
        _release.Set();
        Assert.True(SpinWait.SpinUntil(() => _driver.Status == 0, WaitMs));
    }

    [Fact]
    public void Shutdown_DuringAReset_WaitsForTheSameEnd()
    {
        Assert.True(_driver.Negotiate(RingKinds.Split | BlockFeatures.MultiQueue));
        DriverQueue first = _driver.Open(0, 8);
        _driver.Open(1, 8);
        _driver.Ready();
        Begin(first, 0);
        Assert.True(_entered.Wait(WaitMs, TestContext.Current.CancellationToken));
        _driver.Status = 0;
        var shutdown = new Thread(_rig.Pci.Function.Shutdown);
        shutdown.Start();
        Assert.False(shutdown.Join(20));
        _release.Set();
        Assert.True(shutdown.Join(WaitMs));
        _driver.AssertUntouched();
    }

    [Fact]
    public void S4_1_4_3_1_QueueReset_ReadsOneUntilItIsDone_AndAResetOfTheDeviceMeanwhileIsNotLost()
    {
        DriverQueue queue = _driver.Start(RingKinds.Split | VirtioFeatures.RingReset);
        Begin(queue, 0);
        Assert.True(_entered.Wait(WaitMs, TestContext.Current.CancellationToken));
        _driver.Common(PciCommonConfig.QueueReset, 2, 1);
        Assert.Equal(1ul, _driver.Common(PciCommonConfig.QueueReset, 2));
        Assert.Equal(1ul, _driver.Common(PciCommonConfig.QueueEnable, 2));
        _release.Set();
        Assert.True(SpinWait.SpinUntil(() => _driver.Common(PciCommonConfig.QueueReset, 2) == 0, WaitMs));
        Assert.Equal(0ul, _driver.Common(PciCommonConfig.QueueEnable, 2));
        Assert.Equal(15, _driver.Status);

        _release.Reset();
        _entered.Reset();
        queue = _driver.Open(0, 8);
        Begin(queue, 0);
        Assert.True(_entered.Wait(WaitMs, TestContext.Current.CancellationToken));
        _driver.Common(PciCommonConfig.QueueReset, 2, 1);
        _driver.Status = 0;
        _release.Set();
        Assert.True(SpinWait.SpinUntil(() => _driver.Status == 0, WaitMs));
        _driver.AssertUntouched();
    }

    [Fact]
    public void S2_6_1_QueueReset_LeavesWhatIsUnderWayInOthersToEndAsItDoes()
    {
        Assert.True(_driver.Negotiate(RingKinds.Split | BlockFeatures.MultiQueue | VirtioFeatures.RingReset));
        DriverQueue queue = _driver.Open(0, 8);
        _ = _driver.Open(1, 8);
        _driver.Ready();
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)BlockRequestType.Write);
        Gpa status = _rig.Ram.Put([0xEE]);
        queue.Add(new Piece(_rig.Ram.Put(header), 16, false), new Piece(_rig.Ram.Take(512), 512, false), new Piece(status, 1, true));
        _driver.Notify(0);
        Assert.True(_entered.Wait(WaitMs, TestContext.Current.CancellationToken));
        _driver.Common(PciCommonConfig.QueueSelect, 2, 1);
        _driver.Common(PciCommonConfig.QueueReset, 2, 1);
        _release.Set();
        Assert.True(SpinWait.SpinUntil(() => queue.Take() is not null, WaitMs));
        Assert.Equal([(byte)BlockStatus.Ok], _rig.Ram.Read(status, 1));
    }

    [Fact]
    public void Flush_BehindAReadThatIsDone_WaitsUntilTheDriverIsToldOfIt()
    {
        int calls = 0;
        bool told = false;
        _disk.Before = () =>
        {
            if (++calls == 2)
            {
                told = SpinWait.SpinUntil(() => _rig.PinIsHigh, 1000);
                _entered.Set();
            }
        };
        DriverQueue queue = _driver.Start(RingKinds.Split | BlockFeatures.Flush);
        byte[] flush = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(flush, (uint)BlockRequestType.Flush);
        queue.AskInterrupt();
        queue.Add(new Piece(_rig.Ram.Put(new byte[16]), 16, false), new Piece(_rig.Ram.Take(513), 513, true));
        queue.Add(new Piece(_rig.Ram.Put(flush), 16, false), new Piece(_rig.Ram.Take(1), 1, true));
        _driver.Notify(0);
        Assert.True(_entered.Wait(WaitMs, TestContext.Current.CancellationToken));
        Assert.True(told);
    }

    [Fact]
    public void Reset_DuringALongRequest_CutsItShort()
    {
        int reads = 0;
        _disk.Before = () =>
        {
            Interlocked.Increment(ref reads);
            _entered.Set();
            Assert.True(_release.Wait(WaitMs, TestContext.Current.CancellationToken));
        };
        DriverQueue queue = _driver.Start(RingKinds.Split | VirtioFeatures.IndirectDescriptors);
        Gpa header = _rig.Ram.Take(16);
        Gpa to = _rig.Ram.Take(513);
        queue.Add([new Piece(header, 16, false), .. Enumerable.Repeat(new Piece(to, 512, true), 60), new Piece(to + 512, 1, true)]);
        _driver.Notify(0);
        Assert.True(_entered.Wait(WaitMs, TestContext.Current.CancellationToken));
        _driver.Status = 0;
        _release.Set();
        Assert.True(SpinWait.SpinUntil(() => _driver.Status == 0, WaitMs));
        Assert.InRange(reads, 1, 2);
    }

    [Fact]
    public void Reset_ManyTimesUnderLoad_NeverTouchesWhatTheDriverHasAgain()
    {
        _disk.Before = static () => Thread.Yield();
        _release.Set();
        for (int round = 0; round < 200; round++)
        {
            _rig.Ram.Restart();
            DriverQueue queue = _driver.Start(RingKinds.Features((round & 1) != 0, tables: false, eventIndex: (round & 2) != 0), 8);
            Begin(queue, 0);
            Begin(queue, 0);
            _driver.Reset();
            _driver.AssertUntouched();
        }
    }

    private void Begin(DriverQueue queue, int number)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)BlockRequestType.Read);
        Gpa to = _rig.Ram.Take(513);
        queue.Add(new Piece(_rig.Ram.Put(header), 16, false), new Piece(to, 513, true));
        _driver.Notify(number);
    }
}
