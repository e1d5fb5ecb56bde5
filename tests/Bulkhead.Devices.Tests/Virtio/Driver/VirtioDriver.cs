using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A driver that finds the device's structures by its capabilities and goes through VIRTIO 1.2, 3.1.1.</summary>
internal sealed class VirtioDriver
{
    public const uint FirstMessage = 0x40;

    private VirtioRig _rig;
    private readonly Dictionary<PciCapabilityKind, (uint Offset, uint Length)> _structures = [];
    private readonly uint _multiplier;
    private ulong _bar;

    public VirtioDriver(VirtioRig rig)
    {
        _rig = rig;
        foreach ((int at, byte id) in rig.Port.Capabilities())
        {
            if (id == 9)
            {
                var kind = (PciCapabilityKind)rig.Port.Read8(at + 3);
                _structures.TryAdd(kind, (rig.Port.Read32(at + 8), rig.Port.Read32(at + 12)));
                _multiplier = kind == PciCapabilityKind.Notify ? rig.Port.Read32(at + 16) : _multiplier;
            }
            else if (id == 0x11)
            {
                MsixAt = at;
            }
        }

        rig.Port.Write16(4, 6); // memory, bus master
        _bar = rig.Port.Read32(0x10);
    }

    public int MsixAt { get; }

    public ulong Features { get; private set; }

    public byte Status
    {
        get => (byte)Read(PciCapabilityKind.Common, PciCommonConfig.DeviceStatus, 1);
        set => Write(PciCapabilityKind.Common, PciCommonConfig.DeviceStatus, 1, value);
    }

    public bool NeedsReset => (Status & (byte)VirtioStatus.DeviceNeedsReset) != 0;

    public ulong Offered
    {
        get
        {
            Common(PciCommonConfig.DeviceFeatureSelect, 4, 0);
            ulong low = Common(PciCommonConfig.DeviceFeature, 4);
            Common(PciCommonConfig.DeviceFeatureSelect, 4, 1);
            return low | (Common(PciCommonConfig.DeviceFeature, 4) << 32);
        }
    }

    public byte Isr => (byte)Read(PciCapabilityKind.Isr, 0, 1);

    /// <summary>The same driver with a device that took over, which it knows at an address.</summary>
    public VirtioDriver On(VirtioRig other, ulong bar)
    {
        var copy = (VirtioDriver)MemberwiseClone();
        (copy._rig, copy._bar) = (other, bar);
        return copy;
    }

    /// <summary>Where a structure begins in memory.</summary>
    public ulong AddressOf(PciCapabilityKind kind) => _bar + _structures[kind].Offset;

    public uint LengthOf(PciCapabilityKind kind) => _structures[kind].Length;

    public ulong Read(PciCapabilityKind kind, int offset, int bytes)
    {
        Span<byte> data = stackalloc byte[8];
        data.Clear();
        Assert.Equal(IoResult.Ok, _rig.Bus.Read(AddressOf(kind) + (ulong)offset, data[..bytes]));
        return BinaryPrimitives.ReadUInt64LittleEndian(data);
    }

    public void Write(PciCapabilityKind kind, int offset, int bytes, ulong value)
    {
        Span<byte> data = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(data, value);
        _rig.Bus.Write(AddressOf(kind) + (ulong)offset, data[..bytes]);
    }

    public ulong Common(int offset, int bytes) => Read(PciCapabilityKind.Common, offset, bytes);

    public void Common(int offset, int bytes, ulong value) => Write(PciCapabilityKind.Common, offset, bytes, value);

    /// <summary>Resets the device and waits until it says so.</summary>
    public void Reset()
    {
        Status = 0;
        Assert.True(SpinWait.SpinUntil(() => Status == 0, 30_000));
    }

    /// <summary>Reset, acknowledged, features chosen; whether the device took them.</summary>
    public bool Negotiate(ulong features)
    {
        Reset();
        Status = 1;
        Status = 3;
        Features = features;
        Common(PciCommonConfig.DriverFeatureSelect, 4, 0);
        Common(PciCommonConfig.DriverFeature, 4, (uint)features);
        Common(PciCommonConfig.DriverFeatureSelect, 4, 1);
        Common(PciCommonConfig.DriverFeature, 4, features >> 32);
        Status = 11;
        return (Status & 8) != 0;
    }

    /// <summary>Turns a queue on.</summary>
    public DriverQueue Open(int index, ushort size, ushort vector = PciCommonConfig.NoVector)
    {
        var queue = DriverQueue.Create(_rig.Ram, size, Features);
        Enable(index, queue, vector);
        return queue;
    }

    public void Enable(int index, DriverQueue queue, ushort vector = PciCommonConfig.NoVector)
    {
        Common(PciCommonConfig.QueueSelect, 2, (ulong)index);
        Common(PciCommonConfig.QueueSize, 2, queue.Size);
        Common(PciCommonConfig.QueueVector, 2, vector);
        Common(PciCommonConfig.QueueDescriptors, 8, queue.Descriptors.Value);
        Common(PciCommonConfig.QueueDriver, 8, queue.Driver.Value);
        Common(PciCommonConfig.QueueDevice, 8, queue.Device.Value);
        Common(PciCommonConfig.QueueEnable, 2, 1);
    }

    public void Ready() => Status = 15;

    /// <summary>All the way, with one queue.</summary>
    public DriverQueue Start(ulong features, ushort size = 16, ushort vector = PciCommonConfig.NoVector)
    {
        Assert.True(Negotiate(features));
        DriverQueue queue = Open(0, size, vector);
        Ready();
        return queue;
    }

    public void Notify(int index)
    {
        Common(PciCommonConfig.QueueSelect, 2, (ulong)index);
        ulong offset = Common(PciCommonConfig.QueueNotifyOffset, 2) * _multiplier;
        Write(PciCapabilityKind.Notify, (int)offset, 2, (ulong)index);
    }

    /// <summary>Switches to messages: vector i sends <see cref="FirstMessage"/> + i.</summary>
    public void UseMsix(int vectors)
    {
        uint table = _rig.Port.Read32(MsixAt + 4) & ~7u;
        for (uint i = 0; i < vectors; i++)
        {
            WriteBar(table + (16 * i), 0xFEE0_0000);
            WriteBar(table + (16 * i) + 4, 0);
            WriteBar(table + (16 * i) + 8, FirstMessage + i);
            WriteBar(table + (16 * i) + 12, 0);
        }

        _rig.Port.Write16(MsixAt + 2, 0x8000);
    }

    public void WriteBar(uint offset, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        Assert.Equal(IoResult.Ok, _rig.Bus.Write(_bar + offset, data));
    }

    public uint ReadBar(uint offset)
    {
        Span<byte> data = stackalloc byte[4];
        Assert.Equal(IoResult.Ok, _rig.Bus.Read(_bar + offset, data));
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    /// <summary>The driver uses its memory for other things now, and finds it as it leaves it.</summary>
    public void AssertUntouched()
    {
        byte[] other = new byte[64 << 10];
        other.AsSpan().Fill(0xA5);
        _rig.Ram.Write(new Gpa(0x1000), other);
        for (int i = 0; i < 50; i++)
        {
            Thread.Yield();
            Notify(0);
        }

        Assert.Equal(other, _rig.Ram.Read(new Gpa(0x1000), other.Length));
    }
}
