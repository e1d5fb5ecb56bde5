using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>A function's MSI-X vectors: a table of messages, and which wait to be sent.</summary>
/// <remarks>
/// <para><i>Threading</i>: any; own lock, which comes before the local APICs'.</para>
/// <para><i>Source</i>: PCI Local Bus Specification 3.0, 6.8.2 MSI-X Capability and Table Structures.</para>
/// </remarks>
internal sealed class MsixTable(int vectors, IInterruptMessages messages) : IIoDevice
{
    private const int EntryBytes = 16;
    private const int Control = 12;
    private const byte Masked = 1;

    private readonly Lock _lock = new();
    private readonly byte[] _entries = Reset(new byte[vectors * EntryBytes]);
    private readonly bool[] _pending = new bool[vectors];
    private bool _enabled;
    private bool _allMasked;

    /// <summary>How many vectors there are.</summary>
    internal int Vectors => vectors;

    /// <summary>Whether the guest uses these instead of the pin.</summary>
    internal bool Enabled => Volatile.Read(ref _enabled);

    /// <summary>Takes the control register's bits.</summary>
    internal void SetControl(bool enabled, bool masked)
    {
        lock (_lock)
        {
            _enabled = enabled;
            _allMasked = masked;
            for (int i = 0; i < vectors; i++)
            {
                SendPending(i);
            }
        }
    }

    /// <summary>Sends a vector's message, or holds it back until it is unmasked.</summary>
    internal void Raise(int vector)
    {
        lock (_lock)
        {
            if (vector < vectors && _enabled)
            {
                _pending[vector] = true;
                SendPending(vector);
            }
        }
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        lock (_lock)
        {
            if (!Fits(offset, data.Length))
            {
                return IoResult.GuestError;
            }

            _entries.AsSpan((int)offset, data.Length).CopyTo(data);
            return IoResult.Ok;
        }
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            if (data.Length is not (4 or 8) || offset % (ulong)data.Length != 0 || !Fits(offset, data.Length))
            {
                return IoResult.GuestError;
            }

            data.CopyTo(_entries.AsSpan((int)offset));
            SendPending((int)offset / EntryBytes);
            return IoResult.Ok;
        }
    }

    /// <summary>The pending bits, for which the guest may poll.</summary>
    internal void ReadPending(ulong offset, Span<byte> data)
    {
        data.Clear();
        lock (_lock)
        {
            for (int i = 0; i < data.Length * 8; i++)
            {
                ulong vector = (offset * 8) + (ulong)i;
                if (vector < (ulong)vectors && _pending[vector])
                {
                    data[i >> 3] |= (byte)(1 << (i & 7));
                }
            }
        }
    }

    internal void Save(StateWriter writer)
    {
        lock (_lock)
        {
            writer.Write(_entries);
            foreach (bool pending in _pending)
            {
                writer.Write(pending);
            }
        }
    }

    internal void Restore(StateReader reader)
    {
        lock (_lock)
        {
            reader.Read(_entries);
            foreach (ref bool pending in _pending.AsSpan())
            {
                pending = reader.ReadBoolean();
            }
        }
    }

    private bool Fits(ulong offset, int length) => offset <= (ulong)(_entries.Length - length);

    private static byte[] Reset(byte[] entries)
    {
        for (int i = Control; i < entries.Length; i += EntryBytes)
        {
            entries[i] = Masked;
        }

        return entries;
    }

    private void SendPending(int vector)
    {
        ReadOnlySpan<byte> entry = _entries.AsSpan(vector * EntryBytes, EntryBytes);
        if (_pending[vector] && _enabled && !_allMasked && (entry[Control] & Masked) == 0)
        {
            _pending[vector] = false;
            messages.Send(LittleEndian.Get(entry[..8]), (uint)LittleEndian.Get(entry[8..12]));
        }
    }
}
