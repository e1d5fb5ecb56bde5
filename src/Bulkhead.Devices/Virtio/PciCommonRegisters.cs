using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Virtio;

/// <summary>The common configuration of a device on PCI.</summary>
/// <remarks><i>Threading</i>: any; the function's lock. <i>Source</i>: VIRTIO 1.2, 4.1.4.3 Common configuration structure layout.</remarks>
internal sealed class PciCommonRegisters(VirtioFunction function, int vectors)
{
    private uint _deviceSelect;
    private uint _driverSelect;
    private ushort _queueSelect;

    /// <summary>Reads any bytes of it; behind its end are zeros.</summary>
    internal void Read(int offset, Span<byte> data)
    {
        data.Clear();
        Span<byte> all = stackalloc byte[PciCommonConfig.Size + sizeof(ulong)];
        all.Clear();
        if (offset + data.Length > all.Length)
        {
            return;
        }

        lock (function.Lock)
        {
            Put32(all, PciCommonConfig.DeviceFeatureSelect, _deviceSelect);
            Put32(all, PciCommonConfig.DeviceFeature, Halves.Read(function.DeviceFeatures, _deviceSelect));
            Put32(all, PciCommonConfig.DriverFeatureSelect, _driverSelect);
            Put32(all, PciCommonConfig.DriverFeature, Halves.Read(function.DriverFeatures, _driverSelect));
            Put16(all, PciCommonConfig.ConfigVector, function.ConfigVector);
            Put16(all, PciCommonConfig.QueueCount, (ushort)function.QueueCount);
            all[PciCommonConfig.DeviceStatus] = (byte)function.Status;
            all[PciCommonConfig.ConfigGeneration] = function.Generation;
            Put16(all, PciCommonConfig.QueueSelect, _queueSelect);
            if (function.Queue(_queueSelect) is { } queue)
            {
                Put16(all, PciCommonConfig.QueueSize, queue.Size);
                Put16(all, PciCommonConfig.QueueVector, queue.Vector);
                Put16(all, PciCommonConfig.QueueEnable, queue.Enabled ? (ushort)1 : (ushort)0);
                Put16(all, PciCommonConfig.QueueNotifyOffset, _queueSelect);
                Put16(all, PciCommonConfig.QueueReset, queue.Resetting ? (ushort)1 : (ushort)0);
                BinaryPrimitives.WriteUInt64LittleEndian(all[PciCommonConfig.QueueDescriptors..], queue.Descriptors);
                BinaryPrimitives.WriteUInt64LittleEndian(all[PciCommonConfig.QueueDriver..], queue.Driver);
                BinaryPrimitives.WriteUInt64LittleEndian(all[PciCommonConfig.QueueDevice..], queue.Device);
            }
            else
            {
                Put16(all, PciCommonConfig.QueueVector, PciCommonConfig.NoVector);
            }
        }

        all.Slice(offset, data.Length).CopyTo(data);
    }

    /// <summary>Writes a register.</summary>
    internal void Write(int offset, ReadOnlySpan<byte> data)
    {
        ulong value = LittleEndian.Get(data);
        lock (function.Lock)
        {
            switch (offset)
            {
                case PciCommonConfig.DeviceFeatureSelect:
                    _deviceSelect = (uint)value;
                    break;
                case PciCommonConfig.DriverFeatureSelect:
                    _driverSelect = (uint)value;
                    break;
                case PciCommonConfig.DriverFeature:
                    function.DriverFeatures = Halves.Write(function.DriverFeatures, _driverSelect, (uint)value);
                    break;
                case PciCommonConfig.ConfigVector:
                    function.ConfigVector = Vector(value);
                    break;
                case PciCommonConfig.DeviceStatus:
                    function.Status = (VirtioStatus)(byte)value;
                    break;
                case PciCommonConfig.QueueSelect:
                    _queueSelect = (ushort)value;
                    break;
                default:
                    if (function.Queue(_queueSelect) is { } queue)
                    {
                        WriteQueue(queue, offset, data.Length, value);
                    }

                    break;
            }
        }
    }

    internal void Save(StateWriter writer)
    {
        writer.Write(_deviceSelect);
        writer.Write(_driverSelect);
        writer.Write(_queueSelect);
    }

    internal void Restore(StateReader reader)
    {
        _deviceSelect = reader.ReadUInt32();
        _driverSelect = reader.ReadUInt32();
        _queueSelect = reader.ReadUInt16();
    }

    private void WriteQueue(QueueRegisters queue, int offset, int length, ulong value)
    {
        if (offset == PciCommonConfig.QueueVector)
        {
            Volatile.Write(ref queue.Vector, Vector(value));
            return;
        }

        if (offset == PciCommonConfig.QueueReset && value == 1 && (function.DriverFeatures & VirtioFeatures.RingReset) != 0)
        {
            function.ResetQueue(queue);
        }

        if (!VirtioFunction.MayConfigure(queue))
        {
            return;
        }

        switch (offset)
        {
            case PciCommonConfig.QueueSize when value <= queue.MostDescriptors:
                queue.Size = (ushort)value;
                break;
            case PciCommonConfig.QueueEnable when value == 1:
                function.EnableQueue(queue);
                break;
            case PciCommonConfig.QueueDescriptors or PciCommonConfig.QueueDescriptors + 4:
                queue.Descriptors = Merge(queue.Descriptors, offset, length, value);
                break;
            case PciCommonConfig.QueueDriver or PciCommonConfig.QueueDriver + 4:
                queue.Driver = Merge(queue.Driver, offset, length, value);
                break;
            case PciCommonConfig.QueueDevice or PciCommonConfig.QueueDevice + 4:
                queue.Device = Merge(queue.Device, offset, length, value);
                break;
        }
    }

    /// <summary>A vector as it is kept; one there is not reads back as none.</summary>
    private ushort Vector(ulong value) => value < (ulong)vectors ? (ushort)value : PciCommonConfig.NoVector;

    private static ulong Merge(ulong old, int offset, int length, ulong value) =>
        length == 8 ? value : length == 4 ? Halves.Write(old, (uint)(offset >> 2) & 1, (uint)value) : old;

    private static void Put16(Span<byte> all, int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(all[offset..], value);

    private static void Put32(Span<byte> all, int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(all[offset..], value);
}
