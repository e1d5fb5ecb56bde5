using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Pci;

namespace Bulkhead.Devices.Virtio;

/// <summary>A virtio device as a PCI function of the modern kind.</summary>
/// <remarks>
/// <code>
/// BAR 0:  0000 common configuration   1000 interrupt status   2000 the device's configuration
///         3000 notifications, four bytes a queue   4000 MSI-X table   5000 MSI-X pending bits
/// </code>
/// <i>Threading</i>: any. <i>Source</i>: VIRTIO 1.2, 4.1 Virtio Over PCI Bus.
/// </remarks>
internal sealed class VirtioPci : IPciDevice, IIoDevice, IVirtioInterrupts
{
    private const ushort Vendor = 0x1AF4;
    private const ushort FirstDevice = 0x1040;
    private const uint Notifications = 0x3000;
    private const uint MsixOffset = 0x4000;
    private const uint PendingOffset = 0x5000;
    private const int NotifyMultiplier = 4;
    private const byte VendorCapability = 9;
    private const byte MsixCapability = 0x11;
    private const ushort MsixEnable = 1 << 15;
    private const ushort MsixMask = 1 << 14;
    private const byte IsrQueue = 1;
    private const byte IsrConfig = 2;

    private readonly PciConfigSpace _config;
    private readonly MsixTable _msix;
    private readonly InterruptLine _pin;
    private readonly VirtioFunction _function;
    private readonly Lock _isrLock = new();
    private readonly int _msixAt;
    private readonly int _accessAt;
    private uint _deviceSelect;
    private uint _driverSelect;
    private ushort _queueSelect;
    private byte _isr;

    internal VirtioPci(IVirtioDevice device, GuestMemory memory, IInterruptMessages messages, InterruptLine pin)
    {
        _pin = pin;
        _function = new VirtioFunction(device, memory, this);
        _config = new PciConfigSpace(
            new PciIdentity(Vendor, (ushort)(FirstDevice + (ushort)device.Type), (ushort)(FirstDevice + (ushort)device.Type), ClassOf(device.Type), Revision: 1), 0x8000);
        _msix = new MsixTable(_function.QueueCount + 1, messages);
        AddCapability(PciCapabilityKind.Common, 0, PciCommonConfig.Size);
        AddCapability(PciCapabilityKind.Notify, Notifications, (uint)(_function.QueueCount * NotifyMultiplier), NotifyMultiplier);
        AddCapability(PciCapabilityKind.Isr, 0x1000, 1);
        AddCapability(PciCapabilityKind.Device, 0x2000, 0x1000);
        _accessAt = AddCapability(PciCapabilityKind.PciAccess, 0, 0, 0);
        _config.AllowBytes(_accessAt + 4, 1); // BAR
        _config.AllowBytes(_accessAt + 8, 8); // offset, length
        Span<byte> msix = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(msix, (ushort)(_msix.Vectors - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(msix[2..], MsixOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(msix[6..], PendingOffset);
        _msixAt = _config.AddCapability(MsixCapability, msix);
        _config.Allow16(_msixAt + 2, MsixEnable | MsixMask);
    }

    /// <inheritdoc/>
    public uint BarBytes => _config.BarBytes;

    /// <inheritdoc/>
    public IIoDevice Bar => this;

    /// <inheritdoc/>
    public ulong? BarAddress => _config.BarAddress;

    /// <summary>The device behind it, for whoever ends or asks it.</summary>
    internal VirtioFunction Function => _function;

    /// <inheritdoc/>
    public void Place(uint address) => _config.Place(address);

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data)
    {
        if (IsAccess(offset, data.Length, out ulong at))
        {
            _ = Read(at, data);
            return;
        }

        _config.Read(offset, data);
    }

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (IsAccess(offset, data.Length, out ulong at))
        {
            _ = Write(at, data);
            return;
        }

        _config.Write(offset, data);
        ushort control = _config.Get16(_msixAt + 2);
        _msix.SetControl((control & MsixEnable) != 0 && _config.IsBusMaster, (control & MsixMask) != 0);
        SetIsr(set: 0, clear: 0); // the pin may be allowed or forbidden now
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        uint at = (uint)offset & 0xFFF;
        switch (offset >> 12)
        {
            case 0:
                ReadCommon((int)at, data);
                return IoResult.Ok;
            case 1:
                data.Clear();
                data[0] = at == 0 ? SetIsr(set: 0, clear: IsrQueue | IsrConfig) : (byte)0;
                return IoResult.Ok;
            case 2:
                _function.ReadConfig((int)at, data);
                return IoResult.Ok;
            case 3:
                data.Clear();
                return IoResult.Ok;
            case 4:
                return _msix.Read(at, data);
            case 5:
                _msix.ReadPending(at, data);
                return IoResult.Ok;
            default:
                return IoResult.GuestError;
        }
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        uint at = (uint)offset & 0xFFF;
        switch (offset >> 12)
        {
            case 0:
                WriteCommon((int)at, data);
                return IoResult.Ok;
            case 2:
                lock (_function.Lock)
                {
                    _function.WriteConfig((int)at, data);
                }

                return IoResult.Ok;
            case 3 when _config.IsBusMaster:
                lock (_function.Lock)
                {
                    _function.Notify((int)at / NotifyMultiplier);
                }

                return IoResult.Ok;
            case 4:
                return _msix.Write(at, data);
            default:
                return IoResult.GuestError;
        }
    }

    /// <inheritdoc/>
    void IVirtioInterrupts.RaiseQueue(ushort vector) => Raise(vector, IsrQueue);

    /// <inheritdoc/>
    void IVirtioInterrupts.RaiseConfig(ushort vector) => Raise(vector, IsrConfig);

    /// <inheritdoc/>
    void IVirtioInterrupts.Clear() => SetIsr(set: 0, clear: IsrQueue | IsrConfig);

    private static uint ClassOf(VirtioType type) => type switch
    {
        VirtioType.Block => 0x01_0000,
        VirtioType.Net => 0x02_0000,
        VirtioType.Console => 0x07_8000,
        _ => 0xFF_0000,
    };

    private int AddCapability(PciCapabilityKind kind, uint offset, uint length, uint? extra = null)
    {
        Span<byte> body = stackalloc byte[extra is null ? 14 : 18];
        body.Clear();
        body[0] = (byte)(body.Length + 2);
        body[1] = (byte)kind;
        BinaryPrimitives.WriteUInt32LittleEndian(body[6..], offset);
        BinaryPrimitives.WriteUInt32LittleEndian(body[10..], length);
        if (extra is { } more)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(body[14..], more);
        }

        return _config.AddCapability(VendorCapability, body);
    }

    /// <summary>Whether an access is one to the BAR by way of configuration space.</summary>
    private bool IsAccess(int offset, int length, out ulong at)
    {
        at = _config.Get32(_accessAt + 8);
        uint size = _config.Get32(_accessAt + 12);
        return offset == _accessAt + 16 && size == (uint)length && size is 1 or 2 or 4 && _config.Get8(_accessAt + 4) == 0 && at % size == 0;
    }

    private void Raise(ushort vector, byte isr)
    {
        if (_msix.Enabled)
        {
            _msix.Raise(vector);
        }
        else
        {
            SetIsr(isr, clear: 0);
        }
    }

    /// <summary>Changes the interrupt status, and the pin with it; the answer is what it was.</summary>
    private byte SetIsr(byte set, byte clear)
    {
        lock (_isrLock)
        {
            byte before = _isr;
            _isr = (byte)((_isr & ~clear) | set);
            _config.SetStatus(_isr != 0);
            _pin.Set(_isr != 0 && _config.MayInterrupt && !_msix.Enabled);
            return before;
        }
    }

    private void ReadCommon(int offset, Span<byte> data)
    {
        data.Clear();
        Span<byte> all = stackalloc byte[PciCommonConfig.Size + sizeof(ulong)];
        all.Clear();
        if (offset + data.Length > all.Length)
        {
            return;
        }

        lock (_function.Lock)
        {
            Put32(all, PciCommonConfig.DeviceFeatureSelect, _deviceSelect);
            Put32(all, PciCommonConfig.DeviceFeature, Half(_function.DeviceFeatures, _deviceSelect));
            Put32(all, PciCommonConfig.DriverFeatureSelect, _driverSelect);
            Put32(all, PciCommonConfig.DriverFeature, Half(_function.DriverFeatures, _driverSelect));
            Put16(all, PciCommonConfig.ConfigVector, _function.ConfigVector);
            Put16(all, PciCommonConfig.QueueCount, (ushort)_function.QueueCount);
            all[PciCommonConfig.DeviceStatus] = (byte)_function.Status;
            all[PciCommonConfig.ConfigGeneration] = _function.Generation;
            Put16(all, PciCommonConfig.QueueSelect, _queueSelect);
            if (_function.Queue(_queueSelect) is { } queue)
            {
                Put16(all, PciCommonConfig.QueueSize, queue.Size);
                Put16(all, PciCommonConfig.QueueVector, queue.Vector);
                Put16(all, PciCommonConfig.QueueEnable, queue.Enabled ? (ushort)1 : (ushort)0);
                Put16(all, PciCommonConfig.QueueNotifyOffset, _queueSelect);
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

    private void WriteCommon(int offset, ReadOnlySpan<byte> data)
    {
        ulong value = LittleEndian.Get(data);
        lock (_function.Lock)
        {
            switch (offset)
            {
                case PciCommonConfig.DeviceFeatureSelect:
                    _deviceSelect = (uint)value;
                    break;
                case PciCommonConfig.DriverFeatureSelect:
                    _driverSelect = (uint)value;
                    break;
                case PciCommonConfig.DriverFeature when _driverSelect < 2:
                    _function.DriverFeatures = WithHalf(_function.DriverFeatures, _driverSelect != 0, (uint)value);
                    break;
                case PciCommonConfig.ConfigVector:
                    _function.ConfigVector = Vector(value);
                    break;
                case PciCommonConfig.DeviceStatus:
                    _function.Status = (VirtioStatus)(byte)value;
                    break;
                case PciCommonConfig.QueueSelect:
                    _queueSelect = (ushort)value;
                    break;
                default:
                    if (_function.Queue(_queueSelect) is { } queue)
                    {
                        WriteQueue(queue, offset, data.Length, value);
                    }

                    break;
            }
        }
    }

    private void WriteQueue(QueueRegisters queue, int offset, int length, ulong value)
    {
        if (offset == PciCommonConfig.QueueVector)
        {
            Volatile.Write(ref queue.Vector, Vector(value));
            return;
        }

        if (!_function.MayConfigure(queue))
        {
            return;
        }

        switch (offset)
        {
            case PciCommonConfig.QueueSize when value <= queue.MostDescriptors:
                queue.Size = (ushort)value;
                break;
            case PciCommonConfig.QueueEnable:
                queue.Enabled = value == 1;
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
    private ushort Vector(ulong value) => value < (ulong)_msix.Vectors ? (ushort)value : PciCommonConfig.NoVector;

    private static ulong Merge(ulong old, int offset, int length, ulong value) =>
        length == 8 ? value : length == 4 ? WithHalf(old, (offset & 4) != 0, (uint)value) : old;

    private static uint Half(ulong value, uint select) => select switch { 0 => (uint)value, 1 => (uint)(value >> 32), _ => 0 };

    private static ulong WithHalf(ulong old, bool high, uint value) =>
        high ? (uint)old | ((ulong)value << 32) : (old & 0xFFFF_FFFF_0000_0000) | value;

    private static void Put16(Span<byte> all, int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(all[offset..], value);

    private static void Put32(Span<byte> all, int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(all[offset..], value);
}
