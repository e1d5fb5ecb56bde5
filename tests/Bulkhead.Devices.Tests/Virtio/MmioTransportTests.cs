using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Chipset;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 4.2 Virtio Over MMIO.</summary>
public sealed class MmioTransportTests : IDisposable
{
    private const ulong Window = 0xFED8_0000;
    private const int Pin = 20;

    private readonly EchoDevice _device = new(new ImmediateExecutor(), new ImmediateExecutor());
    private readonly GuestMemory _memory = new("test", 1 << 20);
    private readonly RamLayout _ram;
    private readonly FakePins _pins = new();
    private readonly IoBus _bus = new();
    private readonly MmioSlots _slots;

    public MmioTransportTests()
    {
        _ram = new RamLayout(_memory);
        _slots = new MmioSlots(_bus, Window, _pins.Line(Pin), _pins.Line(Pin + 1));
        _slots.Add(line => new VirtioMmio(_device, _memory, line));
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void S4_2_2_1_Identity_IsThatOfAModernDevice()
    {
        Assert.Equal(0x7472_6976u, Get(MmioRegisters.Magic));
        Assert.Equal(2u, Get(MmioRegisters.Version));
        Assert.Equal(3u, Get(MmioRegisters.Device));
    }

    [Fact]
    public void S4_2_2_Features_AreReadAndWrittenByHalves()
    {
        Put(MmioRegisters.DeviceFeatureSelect, 1);
        Assert.Equal(1u, Get(MmioRegisters.DeviceFeatures) & 1);
        Put(MmioRegisters.DeviceFeatureSelect, 2);
        Assert.Equal(0u, Get(MmioRegisters.DeviceFeatures));
        Put(MmioRegisters.Status, 3);
        Put(MmioRegisters.DriverFeatureSelect, 0);
        Put(MmioRegisters.DriverFeatures, 0);
        Put(MmioRegisters.Status, 11);
        Assert.Equal(3u, Get(MmioRegisters.Status)); // version 1 was not accepted
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void Buffers_ComeBackWithAnInterruptUntilItIsAcknowledged(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        DriverQueue queue = Start(RingKinds.Features(packed, tables, eventIndex, inOrder));
        for (int i = 0; i < 40; i++)
        {
            queue.AskInterrupt();
            Send(queue);
            Assert.True(_pins.Levels[Pin]);
            Assert.Equal(1u, Get(MmioRegisters.InterruptStatus));
            Assert.Equal(1u, Get(MmioRegisters.InterruptStatus)); // reading is not acknowledging
            Put(MmioRegisters.InterruptAcknowledge, 1);
            Assert.Equal(0u, Get(MmioRegisters.InterruptStatus));
            Assert.False(_pins.Levels[Pin]);
        }
    }

    [Fact]
    public void S4_2_2_1_Events_StandUntilEachIsAcknowledged()
    {
        DriverQueue queue = Start(RingKinds.Split);
        Send(queue);
        ulong generation = Get(MmioRegisters.ConfigGeneration);
        _device.Session?.ConfigChanged();
        Assert.Equal(3u, Get(MmioRegisters.InterruptStatus));
        Put(MmioRegisters.InterruptAcknowledge, 1);
        Assert.Equal(2u, Get(MmioRegisters.InterruptStatus));
        Assert.True(_pins.Levels[Pin]);
        _ = Get(MmioRegisters.Config);
        Assert.NotEqual(generation, Get(MmioRegisters.ConfigGeneration));
        Put(MmioRegisters.InterruptAcknowledge, 2);
        Assert.False(_pins.Levels[Pin]);
    }

    [Fact]
    public void S4_2_2_1_Reset_ClearsInterruptsAndQueues()
    {
        Send(Start(RingKinds.Split));
        Put(MmioRegisters.Status, 0);
        Assert.Equal(0u, Get(MmioRegisters.Status));
        Assert.Equal(0u, Get(MmioRegisters.InterruptStatus));
        Assert.Equal(0u, Get(MmioRegisters.QueueReady));
        Assert.False(_pins.Levels[Pin]);
    }

    [Fact]
    public void S4_2_2_1_QueueThatIsNotReady_IsLeftAlone()
    {
        DriverQueue queue = Start(RingKinds.Split);
        Assert.Equal(1u, Get(MmioRegisters.QueueReady));
        Put(MmioRegisters.QueueReady, 0);
        Assert.Equal(0u, Get(MmioRegisters.QueueReady));
        queue.Add(new Piece(_ram.Take(8), 8, true));
        Put(MmioRegisters.QueueNotify, 0);
        Assert.Null(queue.Take());
    }

    [Fact]
    public void S4_2_2_1_QueueReset_EndsWithZerosAndBeginsAnew()
    {
        DriverQueue queue = Start(RingKinds.Split | VirtioFeatures.RingReset);
        Send(queue);
        Put(MmioRegisters.QueueReset, 1);
        Assert.Equal(0u, Get(MmioRegisters.QueueReset));
        Assert.Equal(0u, Get(MmioRegisters.QueueReady));
        Send(Open(DriverQueue.Create(_ram, 4, RingKinds.Split)));
    }

    [Fact]
    public void S4_2_2_QueueThereIsNot_HasNoDescriptors()
    {
        Put(MmioRegisters.QueueSelect, 1);
        Assert.Equal(16u, Get(MmioRegisters.QueueMaximum));
        foreach (uint queue in new uint[] { 2, 0x1_0000, 0xFFFF_FFFF })
        {
            Put(MmioRegisters.QueueSelect, queue);
            Assert.Equal(0u, Get(MmioRegisters.QueueMaximum));
        }
    }

    [Fact]
    public void S4_2_2_SharedMemoryThereIsNot_IsAllOnes()
    {
        for (int i = 0; i < 16; i += 4)
        {
            Assert.Equal(uint.MaxValue, Get(MmioRegisters.SharedMemory + i));
        }
    }

    [Fact]
    public void S4_2_2_2_Registers_AreOfFourBytesAndConfigurationOfAny()
    {
        _device.Config[1] = 0x42;
        byte[] one = new byte[1];
        Assert.Equal(IoResult.Ok, _bus.Read(Window + MmioRegisters.Config + 1, one));
        Assert.Equal(0x42, one[0]);
        Assert.Equal(IoResult.GuestError, _bus.Read(Window + MmioRegisters.Status, one));
        Assert.Equal(IoResult.GuestError, _bus.Write(Window + MmioRegisters.Status, one));
        Assert.Equal(IoResult.GuestError, _bus.Read(Window + 2, new byte[4]));
    }

    [Fact]
    public void EveryRegister_OfEveryWidth_TakesAnything()
    {
        foreach (byte fill in new byte[] { 0, 1, 0x80, 0xFF })
        {
            for (ulong at = 0; at < MmioSlots.WindowBytes; at++)
            {
                byte[] data = [fill, fill, fill, fill, fill, fill, fill, fill];
                _bus.Write(Window + at, data.AsSpan(0, 1 << (int)(at & 3)));
                _bus.Write(Window + at, data.AsSpan(0, 4));
                _bus.Read(Window + at, data.AsSpan(0, 4));
            }
        }

        Send(Start(RingKinds.Packed));
    }

    [Fact]
    public void State_GoesOnInANewDevice()
    {
        DriverQueue queue = Start(RingKinds.Split);
        Send(queue);
        var writer = new StateWriter();
        _slots.Save(writer);

        var pins = new FakePins();
        var bus = new IoBus();
        var fresh = new MmioSlots(bus, Window, pins.Line(Pin));
        VirtioMmio? device = null;
        fresh.Add(line => device = new VirtioMmio(new EchoDevice(new ImmediateExecutor(), new ImmediateExecutor()), _memory, line));
        var reader = new StateReader(writer.Bytes.ToArray());
        fresh.Restore(reader);
        Assert.Null(reader.Error);
        Assert.True(pins.Levels[Pin]);
        device?.Function.Resume();
        queue.Add(new Piece(_ram.Take(8), 8, true));
        bus.Write(Window + MmioRegisters.QueueNotify, new byte[4]);
        Assert.NotNull(queue.Take());
    }

    private DriverQueue Start(ulong features)
    {
        Put(MmioRegisters.Status, 0);
        Put(MmioRegisters.Status, 3);
        for (uint half = 0; half < 2; half++)
        {
            Put(MmioRegisters.DriverFeatureSelect, half);
            Put(MmioRegisters.DriverFeatures, (uint)(features >> (32 * (int)half)));
        }

        Put(MmioRegisters.Status, 11);
        Assert.Equal(11u, Get(MmioRegisters.Status));
        DriverQueue queue = Open(DriverQueue.Create(_ram, 16, features));
        Put(MmioRegisters.Status, 15);
        return queue;
    }

    private DriverQueue Open(DriverQueue queue)
    {
        Put(MmioRegisters.QueueSelect, 0);
        Put(MmioRegisters.QueueSize, queue.Size);
        Put(MmioRegisters.QueueDescriptors, (uint)queue.Descriptors.Value);
        Put(MmioRegisters.QueueDescriptors + 4, (uint)(queue.Descriptors.Value >> 32));
        Put(MmioRegisters.QueueDriver, (uint)queue.Driver.Value);
        Put(MmioRegisters.QueueDriver + 4, 0);
        Put(MmioRegisters.QueueDevice, (uint)queue.Device.Value);
        Put(MmioRegisters.QueueDevice + 4, 0);
        Put(MmioRegisters.QueueReady, 1);
        return queue;
    }

    private void Send(DriverQueue queue)
    {
        Gpa at = _ram.Take(16);
        queue.Add(new Piece(at, 8, false), new Piece(at + 8, 8, true));
        Put(MmioRegisters.QueueNotify, 0);
        Assert.Equal(8u, queue.Take()?.Written);
    }

    private uint Get(int register)
    {
        byte[] data = new byte[4];
        Assert.Equal(IoResult.Ok, _bus.Read(Window + (ulong)register, data));
        return BitConverter.ToUInt32(data);
    }

    private void Put(int register, uint value) => Assert.Equal(IoResult.Ok, _bus.Write(Window + (ulong)register, BitConverter.GetBytes(value)));
}
