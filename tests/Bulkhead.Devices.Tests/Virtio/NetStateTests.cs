using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Chipset;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Net;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>A network card that is held has no buffer in its hands.</summary>
public sealed class NetStateTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Buffers_TakenAndNotUsed_AreServedAfterAPause(bool packed)
    {
        using var net = new ScriptedNet { HasRoom = false };
        using IDeviceExecutor executor = net.CreateExecutor("test net");
        using var rig = new VirtioRig(new VirtioNet(net, executor, [2, 0, 0, 0, 0, 1], new FrameCapture(), new CardCable()));
        var driver = new VirtioDriver(rig);
        Assert.True(driver.Negotiate(RingKinds.Features(packed, tables: false, eventIndex: false) | NetFeatures.MergeableBuffers));
        DriverQueue receive = driver.Open(0, 8);
        DriverQueue transmit = driver.Open(1, 8);
        driver.Ready();
        byte[] frame = [.. Enumerable.Range(0, 1000).Select(static i => (byte)i)];
        Gpa small = rig.Ram.Take(600);
        receive.Add(new Piece(small, 600, true)); // too little for the frame: it is taken, and waits for more
        transmit.Add(new Piece(rig.Ram.Put([.. new byte[NetHeader.Bytes], .. frame]), (uint)(NetHeader.Bytes + frame.Length), false));
        net.Arrive(frame);
        driver.Notify(0);
        driver.Notify(1);

        for (int i = 0; i < 20; i++)
        {
            rig.Pci.Function.Pause();
            rig.Pci.Function.Resume();
        }

        rig.Pci.Function.Pause();
        net.HasRoom = true;
        Gpa rest = rig.Ram.Take(600);
        receive.Add(new Piece(rest, 600, true));
        rig.Pci.Function.Resume();
        UsedBuffer? one = null;
        UsedBuffer? two = null;
        UsedBuffer? sent = null;
        Assert.True(SpinWait.SpinUntil(
            () => (one ??= receive.Take()) is not null && (two ??= receive.Take()) is not null && (sent ??= transmit.Take()) is not null, 30_000));

        Assert.Equal(600u, one?.Written);
        Assert.Equal((uint)(NetHeader.Bytes + frame.Length - 600), two?.Written);
        Assert.Equal(frame[..(600 - NetHeader.Bytes)], rig.Ram.Read(small + NetHeader.Bytes, 600 - NetHeader.Bytes));
        Assert.Equal([frame], net.Sent);
    }

    [Fact]
    public void Buffer_ThatTakesNoWritesAnyMore_IsUsedWithoutThem()
    {
        using var net = new ScriptedNet();
        using IDeviceExecutor executor = net.CreateExecutor("test net");
        using var rig = new VirtioRig(new VirtioNet(net, executor, [2, 0, 0, 0, 0, 1], new FrameCapture(), new CardCable()));
        var driver = new VirtioDriver(rig);
        DriverQueue receive = driver.Start(RingKinds.Split);
        var shadow = new Gpa(GuestMemory.ProtectedStart);
        receive.Add(new Piece(shadow, 64, true));
        driver.Notify(0);
        net.Arrive(new byte[1000]); // too large for the buffer, which is kept
        executor.Ring();
        Assert.True(SpinWait.SpinUntil(() => net.IsEmpty, 30_000));
        rig.Memory.Protect(ushort.MaxValue);
        net.Arrive([.. Enumerable.Repeat((byte)0xAB, 40)]);
        executor.Ring();
        Assert.True(SpinWait.SpinUntil(() => receive.Take() is not null, 30_000));
        Assert.DoesNotContain((byte)0xAB, rig.Ram.Read(shadow, 64));
    }

    [Fact]
    public void BusMasterOff_NoFrameIsWritten_UntilItIsBack()
    {
        using var net = new ScriptedNet();
        using var executor = new ImmediateExecutor();
        using var rig = new VirtioRig(new VirtioNet(net, executor, [2, 0, 0, 0, 0, 1], new FrameCapture(), new CardCable()));
        var driver = new VirtioDriver(rig);
        DriverQueue receive = driver.Start(RingKinds.Split);
        Gpa buffer = rig.Ram.Take(2000);
        receive.Add(new Piece(buffer, 2000, true));
        driver.Notify(0);
        rig.Port.Write16(4, 2); // as Linux leaves it to the kernel it starts in its place
        net.Arrive([.. Enumerable.Repeat((byte)0xAB, 100)]);
        executor.Ring();
        Assert.Null(receive.Take());
        Assert.DoesNotContain((byte)0xAB, rig.Ram.Read(buffer, 2000));
        rig.Port.Write16(4, 6);
        Assert.NotNull(receive.Take());
        Assert.Contains((byte)0xAB, rig.Ram.Read(buffer, 2000));
    }

    [Fact]
    public void Cable_PulledOut_NoFramePasses_AndTheDriverIsTold()
    {
        using var net = new ScriptedNet();
        var cable = new CardCable();
        using var executor = new ImmediateExecutor();
        using var rig = new VirtioRig(new VirtioNet(net, executor, [2, 0, 0, 0, 0, 1], new FrameCapture(), cable));
        var driver = new VirtioDriver(rig);
        driver.UseMsix(1);
        Assert.True(driver.Negotiate(RingKinds.Split | NetFeatures.Status));
        driver.Common(PciCommonConfig.ConfigVector, 2, 0);
        DriverQueue receive = driver.Open(0, 8);
        DriverQueue transmit = driver.Open(1, 8);
        driver.Ready();
        Assert.Equal(1ul, driver.Read(PciCapabilityKind.Device, 6, 2));

        cable.IsPlugged = false;
        Assert.Equal([VirtioDriver.FirstMessage], rig.Messages.Take());
        Assert.Equal(0ul, driver.Read(PciCapabilityKind.Device, 6, 2));
        Assert.Equal((0, 1), Exchange());

        cable.IsPlugged = true;
        Assert.Equal([VirtioDriver.FirstMessage], rig.Messages.Take());
        Assert.Equal(1ul, driver.Read(PciCapabilityKind.Device, 6, 2));
        Assert.Empty(net.Sent);
        Assert.Equal((1, 1), Exchange());
        Assert.Single(net.Sent);

        // One frame each way: how many came, and how many buffers to send came back.
        (int Received, int Done) Exchange()
        {
            receive.Add(new Piece(rig.Ram.Take(1100), 1100, true));
            transmit.Add(new Piece(rig.Ram.Put(new byte[NetHeader.Bytes + 100]), NetHeader.Bytes + 100, false));
            net.Arrive(new byte[100]);
            driver.Notify(1);
            return (CountUsed(receive), CountUsed(transmit));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Limit_EachWay_FramesThatAreTooManyWait(bool packed)
    {
        using var net = new ScriptedNet();
        var clock = new FakeClock();
        var timers = new TimerQueue(static () => { });
        var executor = new ImmediateExecutor(timers);
        var limit = new RateLimit(0, 10_000, 100_000_000); // a frame of 1000 bytes every tenth of a second, after the first two
        Throttle Limited() => new(limit, () => clock.NowNs);
        using var rig = new VirtioRig(new VirtioNet(net, executor, [2, 0, 0, 0, 0, 1], new FrameCapture(), new CardCable(), Limited(), Limited()));
        var driver = new VirtioDriver(rig);
        Assert.True(driver.Negotiate(RingKinds.Features(packed, tables: false, eventIndex: true)));
        DriverQueue receive = driver.Open(0, 8);
        DriverQueue transmit = driver.Open(1, 8);
        driver.Ready();
        for (int i = 0; i < 4; i++)
        {
            receive.Add(new Piece(rig.Ram.Take(1100), 1100, true));
            transmit.Add(new Piece(rig.Ram.Put(new byte[NetHeader.Bytes + 1000]), NetHeader.Bytes + 1000, false));
            net.Arrive(new byte[1000]);
        }

        driver.Notify(1);

        foreach (int expected in (ReadOnlySpan<int>)[2, 0, 1, 1, 0])
        {
            Assert.Equal((expected, expected), (CountUsed(receive), CountUsed(transmit)));
            driver.Notify(0); // hurries nobody
            clock.Advance(expected == 2 ? 99_999_999 : expected == 0 ? 1 : 100_000_000, timers);
        }

        Assert.Equal(4, net.Sent.Count);
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
}
