using System.Buffers.Binary;
using System.Text;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;

namespace Bulkhead.Devices.Firmware;

/// <summary>What a machine tells its firmware: numbered items of bytes, some of them with a name, read by a port or copied to memory.</summary>
/// <remarks>
/// <code>
/// 0  selector, 16 bits (write)    1  data, 8 bits (read)    4-11  address of a transfer, big-endian, the low half starts it
/// transfer: control (bit 0 error, 1 read, 2 skip, 3 select, 4 write; 16-31 item), length, address; big-endian, 16 bytes
/// </code>
/// <para>A guest only reads. A transfer outside of RAM, or of more than 256 KiB, ends with the error bit; what lies behind an item's end reads as zeros.</para>
/// <para><i>Threading</i>: filled while the machine is built; then any, own lock.</para>
/// <para><i>Source</i>: QEMU, docs/specs/fw_cfg.rst, QEMU Firmware Configuration (fw_cfg) Device.</para>
/// </remarks>
public sealed class FirmwareConfig : IIoDevice
{
    /// <summary>Where its ports are on a PC.</summary>
    public const ushort Port = 0x510;

    /// <summary>How many ports it has.</summary>
    public const int Ports = 12;

    /// <summary>The item with the bytes of RAM below 4 GiB.</summary>
    public const ushort RamSize = 0x03;

    /// <summary>The item with the number of processors that are there.</summary>
    public const ushort CpuCount = 0x05;

    /// <summary>The item that says whether firmware shows a menu of what to boot.</summary>
    public const ushort BootMenu = 0x0E;

    /// <summary>The item with the number of processors there may ever be.</summary>
    public const ushort MostCpus = 0x0F;

    private const ushort Signature = 0x00;
    private const ushort Interface = 0x01;
    private const ushort Directory = 0x19;
    private const ushort FirstFile = 0x20;
    private const uint OffersTransfers = 3; // and the ports
    private const int NameBytes = 56;
    private const int DataPort = 1;
    private const int TransferPort = 4;
    private const int DescriptorBytes = 16;
    private const uint Failed = 1;
    private const uint Reads = 2;
    private const uint Skips = 4;
    private const uint Selects = 8;
    private const uint Writes = 16;
    private const int PieceBytes = 4096;

    // Larger than any item: a guest is not to hold its CPU by a transfer.
    private const uint MostTransferBytes = 256 << 10;

    private readonly Lock _lock = new();
    private readonly GuestMemory _memory;
    private readonly Dictionary<ushort, byte[]> _items = [];
    private readonly List<(string Name, byte[] Bytes)> _files = [];
    private byte[] _selected = [];
    private uint _at;
    private ulong _transfer;

    /// <summary>One that copies into this memory, with nothing but what says what it is.</summary>
    public FirmwareConfig(GuestMemory memory)
    {
        _memory = memory;
        _items[Signature] = "QEMU"u8.ToArray();
        _items[Interface] = BitConverter.GetBytes(OffersTransfers);
        WriteDirectory();
    }

    /// <summary>Adds an item.</summary>
    public void Add(ushort item, byte[] bytes) => _items[item] = bytes;

    /// <summary>Adds an item with a name, for which it gets the next free number.</summary>
    public void Add(string name, byte[] bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(name.Length, NameBytes);
        _files.Add((name, bytes));
        WriteDirectory();
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        data.Clear();
        lock (_lock)
        {
            if (offset == DataPort)
            {
                Take(data);
                return IoResult.Ok;
            }

            if (offset >= TransferPort && offset + (ulong)data.Length <= Ports)
            {
                "QEMU CFG"u8.Slice((int)offset - TransferPort, data.Length).CopyTo(data);
                return IoResult.Ok;
            }

            return IoResult.GuestError;
        }
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            switch (offset)
            {
                case 0 when data.Length == 2:
                    Select(BinaryPrimitives.ReadUInt16LittleEndian(data));
                    return IoResult.Ok;
                case TransferPort when data.Length == 4:
                    _transfer = (ulong)BinaryPrimitives.ReadUInt32BigEndian(data) << 32;
                    return IoResult.Ok;
                case TransferPort + 4 when data.Length == 4:
                    Transfer(_transfer | BinaryPrimitives.ReadUInt32BigEndian(data));
                    _transfer = 0;
                    return IoResult.Ok;
                default:
                    return IoResult.GuestError;
            }
        }
    }

    private void Select(ushort item)
    {
        _selected = _items.GetValueOrDefault(item) ?? [];
        _at = 0;
    }

    private void Take(Span<byte> data)
    {
        uint left = _at < (uint)_selected.Length ? (uint)_selected.Length - _at : 0;
        int bytes = (int)Math.Min(left, (uint)data.Length);
        _selected.AsSpan(bytes == 0 ? 0 : (int)_at, bytes).CopyTo(data);
        data[bytes..].Clear();
        Advance((uint)data.Length);
    }

    private void Advance(uint bytes) => _at = (uint)Math.Min((ulong)_at + bytes, uint.MaxValue);

    private void Transfer(ulong descriptor)
    {
        Span<byte> words = stackalloc byte[DescriptorBytes];
        if (!_memory.TryRead(new Gpa(descriptor), words))
        {
            return; // there is nowhere to say so
        }

        uint control = BinaryPrimitives.ReadUInt32BigEndian(words);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(words[4..]);
        ulong address = BinaryPrimitives.ReadUInt64BigEndian(words[8..]);
        if ((control & Selects) != 0)
        {
            Select((ushort)(control >> 16));
        }

        bool done = (control & Writes) == 0;
        if (done && (control & Reads) != 0)
        {
            done = Copy(address, length);
        }
        else if (done && (control & Skips) != 0)
        {
            Advance(length);
        }

        Span<byte> answer = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(answer, done ? 0 : Failed);
        _ = _memory.TryWrite(new Gpa(descriptor), answer);
    }

    // All of it is RAM before the first byte is written.
    private bool Copy(ulong address, uint length)
    {
        if (length > MostTransferBytes || !_memory.Contains(new Gpa(address), length))
        {
            return false;
        }

        Span<byte> piece = stackalloc byte[PieceBytes];
        while (length > 0)
        {
            Span<byte> some = piece[..(int)Math.Min(length, PieceBytes)];
            Take(some);
            _ = _memory.TryWrite(new Gpa(address), some);
            address += (ulong)some.Length;
            length -= (uint)some.Length;
        }

        return true;
    }

    // Count, then for each: size, number, two bytes for nothing, name; big-endian. In order of names, as firmware may expect.
    private void WriteDirectory()
    {
        _files.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        byte[] directory = new byte[4 + (_files.Count * (8 + NameBytes))];
        BinaryPrimitives.WriteInt32BigEndian(directory, _files.Count);
        for (int i = 0; i < _files.Count; i++)
        {
            ushort number = (ushort)(FirstFile + i);
            Span<byte> entry = directory.AsSpan(4 + (i * (8 + NameBytes)));
            BinaryPrimitives.WriteInt32BigEndian(entry, _files[i].Bytes.Length);
            BinaryPrimitives.WriteUInt16BigEndian(entry[4..], number);
            _ = Encoding.ASCII.GetBytes(_files[i].Name, entry[8..]);
            _items[number] = _files[i].Bytes;
        }

        _items[Directory] = directory;
    }
}
