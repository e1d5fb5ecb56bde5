using System.Buffers.Binary;
using System.Collections.Concurrent;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Chipset;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio;
using Bulkhead.Devices.Virtio.Block;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>A driver that does whatever it must not: the device answers, in bounded time and memory, and recovers by a reset.</summary>
public sealed class HostileTests
{
    private const int RamBytes = 64 << 10; // so small that everything lies over everything
    private const long MostAllocated = 16 << 20;
    private const int WaitMs = 30_000;

    private enum Kind
    {
        WriteBar,
        WriteCommon,
        ReadBar,
        WriteConfig,
        ReadConfig,
        Start,
        Add,
        AddAndNotify,
        Notify,
        Scribble,
        Descriptor,
        Available,
        Reset,
    }

    [Theory]
    [InlineData("echo", 3000)]
    [InlineData("block", 3000)]
    [InlineData("rng", 500)]
    [InlineData("balloon", 500)]
    [InlineData("fs", 300)]
    [InlineData("console", 300)]
    public void AnyHistory_NeitherThrowsNorHangs_AndAResetMendsIt(string device, int histories)
    {
        Gen<(Kind, int, int, ulong)> step = Gen.Select(Gen.Enum<Kind>(), Gen.Int[0, 0xFFFF], Gen.Int[0, 0xFFFF], Gen.ULong);
        step.Array[1, 60].Sample(steps => Run(steps, device), iter: histories, threads: 1);
    }

    [Fact]
    public void EveryRegister_OfEveryWidth_TakesAnything()
    {
        using var rig = new VirtioRig(new EchoDevice(new ImmediateExecutor()), RamBytes);
        byte[] data = new byte[8];
        foreach (ulong value in new[] { 0ul, 1ul, ulong.MaxValue, 0x8000_0000_8000_8080ul })
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data, value);
            foreach (int width in new[] { 1, 2, 4, 8 })
            {
                for (ulong at = 0; at < rig.Pci.Bars[0].SizeBytes; at += at % 0x1000 < 0x60 ? 1ul : 0xF9Aul)
                {
                    rig.Pci.Write(at, data.AsSpan(0, width));
                    rig.Pci.Read(at, new byte[width]);
                }
            }
        }

        AssertRecovers(rig, rig.Ram);
    }

    [Fact]
    public void BuffersThatFeedEachOther_ReturnFromTheNotification()
    {
        var device = new EchoDevice(new ImmediateExecutor());
        using var rig = new VirtioRig(device, RamBytes);
        VirtioDriver driver = FeedItself(rig);
        driver.Notify(0);
        Assert.InRange(device.Served, 3, 1000);
        driver.Notify(0);
        AssertRecovers(rig, rig.Ram);
    }

    [Fact]
    public void BuffersThatFeedEachOther_OnAThread_EndWithAReset()
    {
        using var executor = new ThreadExecutor("test feed");
        var device = new EchoDevice(executor);
        using var rig = new VirtioRig(device, RamBytes);
        VirtioDriver driver = FeedItself(rig);
        driver.Notify(0);
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref device.Served) > 10_000, WaitMs));
        driver.Reset();
        int served = device.Served;
        driver.Notify(0);
        Assert.Equal(served, device.Served);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 2)]
    [InlineData(true, 2)]
    public void RingsThatChangeUnderneath_NeitherThrowNorHang(bool packed, int helpers)
    {
        var thrown = new ConcurrentQueue<Exception>();
        using var first = new WatchedExecutor(new ThreadExecutor("test race 0", null, helpers), thrown);
        using var second = new WatchedExecutor(new ThreadExecutor("test race 1", null, helpers), thrown);
        using var rig = new VirtioRig(new VirtioBlock(new MemoryDisk(8), "x", [first, second]), RamBytes);
        var driver = new VirtioDriver(rig);
        var random = new Random(11);
        byte[] noise = new byte[16];
        for (int round = 0; round < 30; round++)
        {
            rig.Ram.Restart();
            Assert.True(driver.Negotiate(RingKinds.Features(packed, tables: true, eventIndex: true) | BlockFeatures.MultiQueue));
            DriverQueue one = driver.Open(0, 8);
            driver.Enable(1, one); // both serve the same ring
            driver.Ready();
            for (int i = 0; i < 300; i++)
            {
                random.NextBytes(noise);
                ulong at = one.Descriptors.Value + (ulong)random.Next(0, 512);
                rig.Memory.TryWrite(new Gpa(at), noise.AsSpan(0, random.Next(1, 16)));
                driver.Notify(i & 1);
            }

            driver.Reset();
        }

        Assert.Empty(thrown);
    }

    private static void Run((Kind Kind, int A, int B, ulong Value)[] steps, string name)
    {
        var thrown = new ConcurrentQueue<Exception>();
        using var hostSide = new HostileDevice(name, () => new WatchedExecutor(new ImmediateExecutor(), thrown));
        IVirtioDevice device = hostSide.Device;
        using var rig = new VirtioRig(device, RamBytes);
        var driver = new VirtioDriver(rig);
        DriverQueue queue = driver.Start(RingKinds.Features((steps.Length & 1) != 0, tables: true, eventIndex: (steps.Length & 2) != 0));
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        byte[] data = new byte[8];
        int added = 0;
        foreach ((Kind kind, int a, int b, ulong value) in steps)
        {
            int width = 1 << (b & 3);
            BinaryPrimitives.WriteUInt64LittleEndian(data, (b & 0x10) != 0 ? value & 0xFF : value);
            switch (kind)
            {
                case Kind.WriteBar:
                    rig.Pci.Write((ulong)a % rig.Pci.Bars[0].SizeBytes, data.AsSpan(0, width));
                    break;
                case Kind.WriteCommon:
                    rig.Pci.Write((ulong)a % 0x40, data.AsSpan(0, width));
                    break;
                case Kind.ReadBar:
                    rig.Pci.Read((ulong)a % rig.Pci.Bars[0].SizeBytes, new byte[width]);
                    break;
                case Kind.WriteConfig:
                    rig.Host.Out32(0, 0x8000_0800 | (uint)(a & 0xFC));
                    rig.Host.Write(4 + (ulong)(a & 3), data.AsSpan(0, Math.Min(width, 4)));
                    break;
                case Kind.ReadConfig:
                    rig.Host.Out32(0, 0x8000_0800 | (uint)(a & 0xFC));
                    rig.Host.Read(4 + (ulong)(a & 3), new byte[Math.Min(width, 4)]);
                    break;
                case Kind.Start:
                    rig.Port.Write16(4, 6);
                    rig.Port.Write32(0x10, VirtioRig.Window);
                    rig.Ram.Restart();
                    queue = driver.Start(RingKinds.Features((a & 1) != 0, (a & 2) != 0, (a & 4) != 0, (a & 8) != 0), (ushort)(8 << (b % 2)));
                    added = 0;
                    break;
                case Kind.Add or Kind.AddAndNotify when added < queue.Size / 4:
                    added++;
                    Piece Piece(int n) => new(new Gpa(((value >> (13 * n)) & 0x1FFF) * 9), (uint)((b >> (4 * n)) & 0xF) * 60, ((a >> n) & 1) != 0);
                    Piece[] pieces = [Piece(0), Piece(1), Piece(2)];
                    Array.Sort(pieces, (x, y) => (a & 0x30) == 0 ? 0 : x.Writable.CompareTo(y.Writable));
                    queue.Add(pieces);
                    if (kind == Kind.AddAndNotify)
                    {
                        rig.Pci.Write(0x3000, [0, 0]);
                    }

                    break;
                case Kind.Notify:
                    rig.Pci.Write(0x3000 + (4 * (ulong)(a % 3)), data.AsSpan(0, 2));
                    break;
                case Kind.Scribble:
                    rig.Memory.TryWrite(new Gpa((queue.Descriptors.Value & 0xFFFF) + (ulong)(a % 600)), data.AsSpan(0, width));
                    break;
                case Kind.Descriptor:
                    byte[] descriptor = new byte[16];
                    BinaryPrimitives.WriteUInt64LittleEndian(descriptor, value % (RamBytes + 64));
                    BinaryPrimitives.WriteUInt32LittleEndian(descriptor.AsSpan(8), (b & 0x100) != 0 ? (uint)(value >> 32) : (uint)(b & 0x1F0));
                    BinaryPrimitives.WriteUInt16LittleEndian(descriptor.AsSpan(12), (ushort)(a >> 4));
                    BinaryPrimitives.WriteUInt16LittleEndian(descriptor.AsSpan(14), (ushort)((a & 0x87) | ((a & 8) << 12)));
                    rig.Memory.TryWrite(queue.Descriptors + (16 * (ulong)(b & 15)), descriptor);
                    break;
                case Kind.Available:
                    rig.Memory.TryWrite(queue.Driver + (ulong)(a % 8), data.AsSpan(0, 2));
                    break;
                case Kind.Reset:
                    rig.Pci.Write(PciCommonConfig.DeviceStatus, [0]);
                    break;
            }
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, MostAllocated);
        Assert.Empty(thrown);
        AssertRecovers(rig, rig.Ram, answers: name is "echo" or "block");
    }

    /// <summary>A reset, and then a driver as it should be.</summary>
    private static void AssertRecovers(VirtioRig rig, RamLayout ram, bool answers = true)
    {
        rig.Port.Write16(4, 6);
        rig.Port.Write32(0x10, VirtioRig.Window);
        rig.Port.Write8(0x13, 0xE0);
        ram.Restart();
        var driver = new VirtioDriver(rig);
        DriverQueue queue = driver.Start(RingKinds.Split);
        if (!answers)
        {
            driver.Notify(0);
            Assert.False(driver.NeedsReset);
            return;
        }

        byte[] header = new byte[16];
        header[0] = (byte)BlockRequestType.Flush; // any request does for either device
        Gpa to = ram.Take(16);
        queue.Add(new Piece(ram.Put(header), 16, false), new Piece(to, 1, true));
        driver.Notify(0);
        Assert.Equal(1u, queue.Take()?.Written);
        Assert.False(driver.NeedsReset);
    }

    /// <summary>
    /// A packed ring of two places. The buffer at one place copies into the other a descriptor of the same kind, of the turn whose time it
    /// will be then; so there is always a next one.
    /// </summary>
    private static VirtioDriver FeedItself(VirtioRig rig)
    {
        var driver = new VirtioDriver(rig);
        var queue = (PackedDriverQueue)driver.Start(RingKinds.Features(packed: true, tables: true, eventIndex: false), size: 2);
        Gpa sources = rig.Ram.Take(4 * 16);
        Gpa tables = rig.Ram.Take(4 * 32);
        for (int i = 0; i < 4; i++)
        {
            bool turn = i < 2;
            int next = (i + 1) % 4;
            Gpa table = tables + (32 * (ulong)i);
            queue.PutDescriptor(table, new Piece(sources + (16 * (ulong)next), 16, false), 0, DescriptorFlags.None);
            queue.PutDescriptor(table + 16, new Piece(queue.PlaceOf(next & 1), 16, true), 0, DescriptorFlags.Write);
            queue.PutDescriptor(
                sources + (16 * (ulong)i), new Piece(table, 32, false), 0,
                DescriptorFlags.Indirect | (turn ? DescriptorFlags.Available : DescriptorFlags.Used));
        }

        rig.Ram.Write(queue.PlaceOf(0), rig.Ram.Read(sources, 16));
        return driver;
    }
}
