using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
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
    private const uint BarBytes = 0x8000;
    private const uint Notifications = 0x3000;
    private const uint MsixOffset = 0x4000;
    private const uint PendingOffset = 0x5000;
    private const int NotifyMultiplier = 4;
    private const byte VendorCapability = 9;
    private const int AccessBytes = 4;
    private const byte IsrQueue = 1;
    private const byte IsrConfig = 2;

    private readonly PciConfigSpace _config;
    private readonly MsixTable _msix;
    private readonly InterruptLine _pin;
    private readonly VirtioFunction _function;
    private readonly PciCommonRegisters _common;
    private readonly Lock _isrLock = new();
    private readonly int _msixAt;
    private readonly int _accessAt;
    private byte _isr;

    internal VirtioPci(IVirtioDevice device, GuestMemory memory, IInterruptMessages messages, InterruptLine pin)
    {
        _pin = pin;
        _function = new VirtioFunction(device, memory, this);
        _config = new PciConfigSpace(
            new PciIdentity(Vendor, (ushort)(FirstDevice + (ushort)device.Type), (ushort)(FirstDevice + (ushort)device.Type), ClassOf(device.Type), Revision: 1));
        _config.AddBar(0, BarBytes, this);
        _msix = new MsixTable(_function.QueueCount + 1, messages);
        _common = new PciCommonRegisters(_function, _msix.Vectors);
        _function.AllowMemory(_config.IsBusMaster);
        AddCapability(PciCapabilityKind.Common, 0, PciCommonConfig.Size);
        AddCapability(PciCapabilityKind.Notify, Notifications, (uint)(_function.QueueCount * NotifyMultiplier), NotifyMultiplier);
        AddCapability(PciCapabilityKind.Isr, 0x1000, 1);
        AddCapability(PciCapabilityKind.Device, 0x2000, 0x1000);
        _accessAt = AddCapability(PciCapabilityKind.PciAccess, 0, 0, 0);
        _config.AllowBytes(_accessAt + 4, 1); // BAR
        _config.AllowBytes(_accessAt + 8, 8 + AccessBytes); // offset, length, data
        _msixAt = _config.AddMsix(_msix.Vectors, bar: 0, MsixOffset, PendingOffset);
    }

    /// <inheritdoc/>
    public IReadOnlyList<PciBar> Bars => _config.Bars;

    /// <summary>The device behind it, for whoever ends or asks it.</summary>
    internal VirtioFunction Function => _function;

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data)
    {
        Span<byte> bytes = stackalloc byte[AccessBytes];
        if (IsAccess(offset, bytes, out ulong at, out int length))
        {
            _ = Read(at, bytes[..length]);
            _config.Write(_accessAt + 16, bytes[..length]);
        }

        _config.Read(offset, data);
    }

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        _config.Write(offset, data);
        Span<byte> bytes = stackalloc byte[AccessBytes];
        if (IsAccess(offset, bytes, out ulong at, out int length))
        {
            _config.Read(_accessAt + 16, bytes[..length]);
            _ = Write(at, bytes[..length]);
            return;
        }

        FollowConfig();
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        uint at = (uint)offset & 0xFFF;
        switch (offset >> 12)
        {
            case 0:
                _common.Read((int)at, data);
                return IoResult.Ok;
            case 1:
                data.Clear();
                data[0] = at == 0 ? SetIsr(set: 0, clear: IsrQueue | IsrConfig) : (byte)0;
                return IoResult.Ok;
            case 2:
                lock (_function.Lock)
                {
                    _function.ReadConfig((int)at, data);
                }

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
                _common.Write((int)at, data);
                return IoResult.Ok;
            case 2:
                lock (_function.Lock)
                {
                    _function.WriteConfig((int)at, data);
                }

                return IoResult.Ok;
            case 3:
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
    void IVirtioInterrupts.Clear() => _ = SetIsr(set: 0, clear: IsrQueue | IsrConfig);

    /// <inheritdoc/>
    public void Save(StateWriter writer)
    {
        writer.Begin("virtio-pci", 1);
        _config.Save(writer);
        _common.Save(writer);
        _msix.Save(writer);
        writer.Write(_isr);
        _function.Save(writer);
        writer.End();
    }

    /// <inheritdoc/>
    public void Restore(StateReader reader)
    {
        _ = reader.Begin("virtio-pci", 1);
        _config.Restore(reader);
        _common.Restore(reader);
        _msix.Restore(reader);
        _isr = (byte)(reader.ReadByte() & (IsrQueue | IsrConfig));
        _function.Restore(reader);
        reader.EndSection();
        FollowConfig();
    }

    /// <summary>What the configuration allows and forbids may have changed.</summary>
    private void FollowConfig()
    {
        _config.ControlMsix(_msixAt, _msix);
        _ = SetIsr(set: 0, clear: 0);
        lock (_function.Lock)
        {
            _function.AllowMemory(_config.IsBusMaster);
        }
    }

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

    /// <summary>Whether an access to configuration space is one to the BAR: to which bytes of it.</summary>
    private bool IsAccess(int offset, ReadOnlySpan<byte> window, out ulong at, out int length)
    {
        at = _config.Get32(_accessAt + 8);
        uint size = _config.Get32(_accessAt + 12);
        bool valid = size is 1 or 2 or 4 && at % size == 0 && at < BarBytes && _config.Get8(_accessAt + 4) == 0;
        length = valid ? (int)size : 0;
        return valid && offset >= _accessAt + 16 && offset < _accessAt + 16 + window.Length;
    }

    /// <summary>Tells the driver by message or by pin; that the configuration changed stands in the interrupt status in either case.</summary>
    private void Raise(ushort vector, byte isr)
    {
        if (isr == IsrConfig || !_msix.Enabled)
        {
            _ = SetIsr(isr, clear: 0);
        }

        _msix.Raise(vector);
    }

    /// <summary>Changes the interrupt status, and the pin with it; the answer is what it was.</summary>
    private byte SetIsr(byte set, byte clear)
    {
        lock (_isrLock)
        {
            byte before = _isr;
            _isr = (byte)((_isr & ~clear) | set);
            _config.SetStatus(_isr != 0 && !_msix.Enabled);
            _pin.Set(_isr != 0 && _config.MayInterrupt && !_msix.Enabled);
            return before;
        }
    }
}
