using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Virtio;

/// <summary>A virtio device behind a window of registers and a wire.</summary>
/// <remarks><i>Threading</i>: any. <i>Source</i>: VIRTIO 1.2, 4.2 Virtio Over MMIO.</remarks>
internal sealed class VirtioMmio : IIoDevice, IVirtioInterrupts
{
    private const uint MagicValue = 0x7472_6976;
    private const uint LayoutVersion = 2;
    private const uint VendorId = 0x1AF4;
    private const uint UsedBuffer = 1;
    private const uint ConfigChanged = 2;

    private readonly IVirtioDevice _device;
    private readonly InterruptLine _line;
    private readonly Lock _interruptLock = new();
    private uint _deviceSelect;
    private uint _driverSelect;
    private ushort _queueSelect;
    private uint _interrupt;

    internal VirtioMmio(IVirtioDevice device, GuestMemory memory, InterruptLine line)
    {
        (_device, _line) = (device, line);
        Function = new VirtioFunction(device, memory, this);
    }

    /// <summary>The device behind it, for whoever ends or asks it.</summary>
    internal VirtioFunction Function { get; }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        lock (Function.Lock)
        {
            if (offset >= MmioRegisters.Config)
            {
                Function.ReadConfig((int)offset - MmioRegisters.Config, data);
                return IoResult.Ok;
            }

            if (data.Length != sizeof(uint) || offset % sizeof(uint) != 0)
            {
                return IoResult.GuestError;
            }

            LittleEndian.Put(data, Read((int)offset));
            return IoResult.Ok;
        }
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (Function.Lock)
        {
            if (offset >= MmioRegisters.Config)
            {
                Function.WriteConfig((int)offset - MmioRegisters.Config, data);
                return IoResult.Ok;
            }

            if (data.Length != sizeof(uint) || offset % sizeof(uint) != 0)
            {
                return IoResult.GuestError;
            }

            Write((int)offset, (uint)LittleEndian.Get(data));
            return IoResult.Ok;
        }
    }

    /// <inheritdoc/>
    void IVirtioInterrupts.RaiseQueue(ushort vector) => SetInterrupt(UsedBuffer, clear: 0);

    /// <inheritdoc/>
    void IVirtioInterrupts.RaiseConfig(ushort vector) => SetInterrupt(ConfigChanged, clear: 0);

    /// <inheritdoc/>
    void IVirtioInterrupts.Clear() => SetInterrupt(set: 0, uint.MaxValue);

    /// <summary>Writes all there is to it. While it is held.</summary>
    internal void Save(StateWriter writer)
    {
        writer.Begin("virtio-mmio", 1);
        writer.Write(_deviceSelect);
        writer.Write(_driverSelect);
        writer.Write(_queueSelect);
        writer.Write(_interrupt);
        Function.Save(writer);
        writer.End();
    }

    /// <summary>Reads that again.</summary>
    internal void Restore(StateReader reader)
    {
        _ = reader.Begin("virtio-mmio", 1);
        _deviceSelect = reader.ReadUInt32();
        _driverSelect = reader.ReadUInt32();
        _queueSelect = reader.ReadUInt16();
        uint interrupt = reader.ReadUInt32();
        Function.Restore(reader);
        reader.EndSection();
        SetInterrupt(interrupt & (UsedBuffer | ConfigChanged), uint.MaxValue);
    }

    private uint Read(int offset)
    {
        QueueRegisters? queue = Function.Queue(_queueSelect);
        return offset switch
        {
            MmioRegisters.Magic => MagicValue,
            MmioRegisters.Version => LayoutVersion,
            MmioRegisters.Device => (uint)_device.Type,
            MmioRegisters.Vendor => VendorId,
            MmioRegisters.DeviceFeatures => Halves.Read(Function.DeviceFeatures, _deviceSelect),
            MmioRegisters.QueueMaximum => queue?.MostDescriptors ?? 0u,
            MmioRegisters.QueueReady => queue is { Enabled: true } ? 1u : 0,
            MmioRegisters.InterruptStatus => Volatile.Read(ref _interrupt),
            MmioRegisters.Status => (uint)Function.Status,
            >= MmioRegisters.SharedMemory and < MmioRegisters.SharedMemory + 16 => uint.MaxValue,
            MmioRegisters.QueueReset => queue is { Resetting: true } ? 1u : 0,
            MmioRegisters.ConfigGeneration => Function.Generation,
            _ => 0,
        };
    }

    private void Write(int offset, uint value)
    {
        switch (offset)
        {
            case MmioRegisters.DeviceFeatureSelect:
                _deviceSelect = value;
                break;
            case MmioRegisters.DriverFeatureSelect:
                _driverSelect = value;
                break;
            case MmioRegisters.DriverFeatures:
                Function.DriverFeatures = Halves.Write(Function.DriverFeatures, _driverSelect, value);
                break;
            case MmioRegisters.QueueSelect:
                _queueSelect = (ushort)Math.Min(value, ushort.MaxValue);
                break;
            case MmioRegisters.QueueNotify:
                Function.Notify((ushort)value);
                break;
            case MmioRegisters.InterruptAcknowledge:
                SetInterrupt(set: 0, value);
                break;
            case MmioRegisters.Status:
                Function.Status = (VirtioStatus)(byte)value;
                break;
            default:
                if (Function.Queue(_queueSelect) is { } queue)
                {
                    Write(queue, offset, value);
                }

                break;
        }
    }

    private void Write(QueueRegisters queue, int offset, uint value)
    {
        switch (offset)
        {
            case MmioRegisters.QueueReady when value == 0:
            case MmioRegisters.QueueReset when value == 1 && (Function.DriverFeatures & VirtioFeatures.RingReset) != 0:
                Function.ResetQueue(queue);
                break;
            case MmioRegisters.QueueReady when value == 1 && VirtioFunction.MayConfigure(queue):
                Function.EnableQueue(queue);
                break;
            case MmioRegisters.QueueSize when VirtioFunction.MayConfigure(queue) && value <= queue.MostDescriptors:
                queue.Size = (ushort)value;
                break;
            case MmioRegisters.QueueDescriptors or MmioRegisters.QueueDescriptors + 4 when VirtioFunction.MayConfigure(queue):
                queue.Descriptors = Halves.Write(queue.Descriptors, (uint)(offset >> 2) & 1, value);
                break;
            case MmioRegisters.QueueDriver or MmioRegisters.QueueDriver + 4 when VirtioFunction.MayConfigure(queue):
                queue.Driver = Halves.Write(queue.Driver, (uint)(offset >> 2) & 1, value);
                break;
            case MmioRegisters.QueueDevice or MmioRegisters.QueueDevice + 4 when VirtioFunction.MayConfigure(queue):
                queue.Device = Halves.Write(queue.Device, (uint)(offset >> 2) & 1, value);
                break;
        }
    }

    /// <summary>Clears, then sets; the wire is high while anything is set.</summary>
    private void SetInterrupt(uint set, uint clear)
    {
        lock (_interruptLock)
        {
            _interrupt = (_interrupt & ~clear) | set;
            _line.Set(_interrupt != 0);
        }
    }
}
