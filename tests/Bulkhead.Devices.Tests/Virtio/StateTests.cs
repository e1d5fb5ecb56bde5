using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Block;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>A device is saved in the middle of its work, restored into a new one, and the driver goes on.</summary>
public sealed class StateTests : IDisposable
{
    private const ulong Moved = 0xE700_0000;

    private readonly MemoryDisk _disk = new(64);

    public void Dispose() => _disk.Dispose();

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void Driver_GoesOnWithTheRestoredDevice(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        new Random(5).NextBytes(_disk.Bytes);
        using VirtioRig old = Build();
        var driver = new VirtioDriver(old);
        driver.UseMsix(2);
        ulong features = RingKinds.Features(packed, tables, eventIndex, inOrder) | BlockFeatures.Flush | BlockFeatures.ConfigurableCache;
        DriverQueue queue = driver.Start(features, vector: 1);
        driver.Write(PciCapabilityKind.Device, BlockConfig.Writeback, 1, 0);
        for (int i = 0; i < 21; i++)
        {
            AssertReads(driver, queue, old.Ram, sector: i);
        }

        old.Messages.Take();
        old.Port.Write32(0x10, (uint)Moved);
        Gpa waiting = Add(queue, old.Ram, sector: 9); // made available, and not notified
        byte[] state = Save(old);

        using VirtioRig fresh = Build();
        fresh.Port.Write32(0x10, 0); // somewhere else than before
        CopyRam(old, fresh);
        Restore(fresh, state);
        VirtioDriver again = driver.On(fresh, Moved);
        DriverQueue same = queue.On(fresh.Ram);

        Assert.Equal(Moved, fresh.Pci.Bars[0].Wanted);
        Assert.Equal(15, again.Status);
        Assert.Equal(0ul, again.Read(PciCapabilityKind.Device, BlockConfig.Writeback, 1));
        Assert.NotNull(same.Take()); // what waited was served
        Assert.Equal(_disk.Bytes[(9 * 512)..(10 * 512)], fresh.Ram.Read(waiting, 512));
        same.AskInterrupt();
        fresh.Messages.Take();
        for (int i = 0; i < 40; i++)
        {
            same.AskInterrupt();
            AssertReads(again, same, fresh.Ram, sector: i);
            Assert.Equal([VirtioDriver.FirstMessage + 1], fresh.Messages.Take());
        }
    }

    [Fact]
    public void PendingAndMaskedInterrupts_AreStillThere()
    {
        using VirtioRig old = Build();
        var driver = new VirtioDriver(old);
        driver.UseMsix(2);
        DriverQueue queue = driver.Start(RingKinds.Split, vector: 1);
        old.Port.Write16(driver.MsixAt + 2, 0xC000);
        AssertReads(driver, queue, old.Ram, sector: 0);

        using VirtioRig fresh = Build();
        byte[] state = Save(old);
        CopyRam(old, fresh);
        Restore(fresh, state);
        Assert.Empty(fresh.Messages.Take());
        fresh.Port.Write16(driver.MsixAt + 2, 0x8000);
        Assert.Equal([VirtioDriver.FirstMessage + 1], fresh.Messages.Take());
    }

    [Fact]
    public void Pin_ThatWasHigh_IsHigh()
    {
        using VirtioRig old = Build();
        var driver = new VirtioDriver(old);
        DriverQueue queue = driver.Start(RingKinds.Split);
        AssertReads(driver, queue, old.Ram, sector: 0);
        Assert.True(old.PinIsHigh);

        using VirtioRig fresh = Build();
        byte[] state = Save(old);
        CopyRam(old, fresh);
        Restore(fresh, state);
        Assert.True(fresh.PinIsHigh);
        Assert.Equal(1, driver.On(fresh, VirtioRig.Window).Isr);
    }

    [Fact]
    public void DeviceThatNeedsAReset_StillDoes()
    {
        using VirtioRig old = Build();
        var driver = new VirtioDriver(old);
        DriverQueue queue = driver.Start(RingKinds.Split);
        queue.Add(new Piece(old.Ram.Take(16), 16, false));
        driver.Notify(0);
        Assert.True(driver.NeedsReset);

        using VirtioRig fresh = Build();
        byte[] state = Save(old);
        CopyRam(old, fresh);
        Restore(fresh, state);
        VirtioDriver again = driver.On(fresh, VirtioRig.Window);
        Assert.True(again.NeedsReset);
        again.Reset();
        AssertReads(again, again.Start(RingKinds.Split), fresh.Ram, sector: 3);
    }

    [Fact]
    public void Saving_LeavesTheDeviceAsItIs()
    {
        using VirtioRig rig = Build();
        var driver = new VirtioDriver(rig);
        DriverQueue queue = driver.Start(RingKinds.Packed);
        byte[] first = Save(rig);
        rig.Pci.Function.Resume();
        Assert.Equal(first, Save(rig));
        rig.Pci.Function.Resume();
        AssertReads(driver, queue, rig.Ram, sector: 1);
    }

    [Fact]
    public void Saving_WaitsForWhatIsUnderWay()
    {
        using var executor = new ThreadExecutor("test state");
        using var rig = new VirtioRig(new VirtioBlock(_disk, "x", [executor]));
        var driver = new VirtioDriver(rig);
        DriverQueue queue = driver.Start(RingKinds.Split);
        for (int i = 0; i < 100; i++)
        {
            Add(queue, rig.Ram, sector: i % 64);
            driver.Notify(0);
            rig.Pci.Function.Pause();
            bool done = queue.Take() is not null;
            byte[] ring = rig.Ram.Read(queue.Device, 64);
            Thread.Yield();
            Assert.Equal(ring, rig.Ram.Read(queue.Device, 64));
            rig.Pci.Function.Resume();
            Assert.True(done || SpinWait.SpinUntil(() => queue.Take() is not null, 30_000));
        }
    }

    [Fact]
    public void State_OfAnotherDevice_IsAnError()
    {
        using VirtioRig old = Build();
        using var other = new VirtioRig(new EchoDevice(new ImmediateExecutor()));
        var reader = new StateReader(Save(old));
        other.Host.Restore(reader);
        Assert.NotNull(reader.Error);
    }

    [Fact]
    public void State_ChangedAnywhere_RestoresOrIsAnErrorAndNothingElse()
    {
        byte[] state;
        using (VirtioRig old = Build())
        {
            var driver = new VirtioDriver(old);
            driver.UseMsix(2);
            AssertReads(driver, driver.Start(RingKinds.Packed, vector: 1), old.Ram, sector: 0);
            state = Save(old);
        }

        Gen.Select(Gen.Int[0, state.Length - 1], Gen.Byte, Gen.Int[0, state.Length]).Sample(
            (at, value, length) =>
            {
                byte[] hostile = [.. state];
                hostile[at] = value;
                using VirtioRig fresh = Build();
                var reader = new StateReader(hostile.AsMemory(0, (value & 1) != 0 ? state.Length : length));
                fresh.Host.Restore(reader);
                if (reader.Error is null)
                {
                    fresh.Pci.Function.Resume();
                    fresh.Pci.Write(0x3000, [0, 0]);
                }
            },
            iter: 2000,
            threads: 1);
    }

    /// <summary>Holds the device and saves it.</summary>
    private static byte[] Save(VirtioRig rig)
    {
        var writer = new StateWriter();
        rig.Pci.Function.Pause();
        rig.Host.Save(writer);
        return writer.Bytes.ToArray();
    }

    private static void Restore(VirtioRig rig, byte[] state)
    {
        var reader = new StateReader(state);
        rig.Host.Restore(reader);
        Assert.Null(reader.Error);
        rig.Pci.Function.Resume();
    }

    private static void CopyRam(VirtioRig from, VirtioRig to)
    {
        byte[] all = from.Ram.Read(new Gpa(0), (int)from.Memory.SizeBytes);
        to.Ram.Write(new Gpa(0), all);
    }

    private VirtioRig Build() => new(new VirtioBlock(_disk, "x", [new ImmediateExecutor()]), 1 << 20);

    private static Gpa Add(DriverQueue queue, RamLayout ram, int sector)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), (ulong)sector);
        Gpa to = ram.Take(513);
        queue.Add(new Piece(ram.Put(header), 16, false), new Piece(to, 513, true));
        return to;
    }

    private void AssertReads(VirtioDriver driver, DriverQueue queue, RamLayout ram, int sector)
    {
        Gpa to = Add(queue, ram, sector);
        driver.Notify(0);
        Assert.Equal(513u, queue.Take()?.Written);
        Assert.Equal(_disk.Bytes[(sector * 512)..((sector + 1) * 512)], ram.Read(to, 512));
    }
}
