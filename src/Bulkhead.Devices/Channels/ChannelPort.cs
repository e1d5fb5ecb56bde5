using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Pci;

namespace Bulkhead.Devices.Channels;

/// <summary>A channel as a domain finds it: a PCI device of the inter-VM shared memory kind.</summary>
/// <remarks>
/// <code>
/// BAR 0:  00 interrupt mask   04 interrupt status, reading clears   08 own number   0C doorbell: (member &lt;&lt; 16) | vector
/// BAR 1:  MSI-X table, pending bits at 800      BAR 2: the memory
/// </code>
/// Mask and status are those of the interrupt pin, which is used while MSI-X is off, as by Linux's uio_pci_generic.
/// <i>Threading</i>: any; own lock for the pin. <i>Source</i>: QEMU, docs/specs/ivshmem-spec.rst, revision 1 devices.
/// </remarks>
internal sealed class ChannelPort : IPciDevice, IIoDevice
{
    private const int Mask = 0;
    private const int Status = 4;
    private const int Position = 8;
    private const int Doorbell = 12;
    private const uint PendingOffset = 0x800;

    private readonly PciConfigSpace _config = new(new PciIdentity(0x1AF4, 0x1110, 0x1100, 0x05_0000, Revision: 1));
    private readonly Lock _lock = new();
    private readonly ChannelMember _member;
    private readonly IDoorbells? _doorbells;
    private readonly InterruptLine _pin;
    private readonly MsixTable? _msix;
    private readonly int _msixAt;
    private readonly PciBar _memory;
    private uint _mask;
    private uint _status;

    internal ChannelPort(ChannelMember member, SharedWindow memory, IInterruptMessages messages, InterruptLine pin, IDoorbells? doorbells = null)
    {
        (_member, _pin, _doorbells) = (member, pin, doorbells);
        _config.AddBar(0, 0x1000, this);
        if (member.Channel.Vectors > 0)
        {
            _msix = new MsixTable(member.Channel.Vectors, messages);
            _config.AddBar(1, 0x1000, new Table(_msix));
            _msixAt = _config.AddMsix(_msix.Vectors, bar: 1, 0, PendingOffset);
        }

        _config.AddBar(2, memory);
        _memory = _config.Bars[^1];
        member.Attach(this);
        Refresh();
    }

    /// <inheritdoc/>
    public IReadOnlyList<PciBar> Bars => _config.Bars;

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data) => _config.Read(offset, data);

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        _config.Write(offset, data);
        FollowConfig();
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        uint value = offset switch
        {
            Mask => _mask,
            Status => SetStatus(set: 0, clear: uint.MaxValue),
            Position => (uint)_member.Number,
            _ => 0,
        };
        LittleEndian.Put(data, value);
        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        uint value = (uint)LittleEndian.Get(data);
        switch (offset)
        {
            case Mask:
                _mask = value;
                SetStatus(set: 0, clear: 0);
                break;
            case Status:
                SetStatus(value, ~value);
                break;
            case Doorbell:
                _member.Ring((int)(value >> 16), (int)(value & 0xFFFF));
                break;
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public void Save(StateWriter writer)
    {
        writer.Begin("channel", 1);
        _config.Save(writer);
        _msix?.Save(writer);
        writer.Write(_mask);
        writer.Write(_status);
        writer.End();
    }

    /// <inheritdoc/>
    public void Restore(StateReader reader)
    {
        _ = reader.Begin("channel", 1);
        _config.Restore(reader);
        _msix?.Restore(reader);
        _mask = reader.ReadUInt32();
        _status = reader.ReadUInt32();
        reader.EndSection();
        FollowConfig();
    }

    /// <summary>The domain ends or is reset.</summary>
    internal void Detach() => _member.Attach(null);

    /// <summary>The member was revoked, or granted again.</summary>
    internal void Refresh() => _memory.SetPresent(!_member.IsRevoked);

    /// <summary>Somebody rang.</summary>
    internal void Interrupt(int vector)
    {
        if (_msix is { Enabled: true })
        {
            _msix.Raise(vector);
        }
        else
        {
            SetStatus(set: 1, clear: 0);
        }

        _doorbells?.OnRung(vector);
    }

    /// <summary>What the configuration allows and forbids may have changed.</summary>
    private void FollowConfig()
    {
        if (_msix is not null)
        {
            _config.ControlMsix(_msixAt, _msix);
        }

        SetStatus(set: 0, clear: 0);
    }

    private uint SetStatus(uint set, uint clear)
    {
        lock (_lock)
        {
            uint before = _status;
            _status = (_status & ~clear) | set;
            bool raised = (_status & _mask) != 0;
            _config.SetStatus(raised);
            _pin.Set(raised && _config.MayInterrupt && _msix is not { Enabled: true });
            return before;
        }
    }

    /// <summary>BAR 1.</summary>
    private sealed class Table(MsixTable msix) : IIoDevice
    {
        public IoResult Read(ulong offset, Span<byte> data)
        {
            if (offset < PendingOffset)
            {
                return msix.Read(offset, data);
            }

            msix.ReadPending(offset - PendingOffset, data);
            return IoResult.Ok;
        }

        public IoResult Write(ulong offset, ReadOnlySpan<byte> data) => offset < PendingOffset ? msix.Write(offset, data) : IoResult.GuestError;
    }
}
