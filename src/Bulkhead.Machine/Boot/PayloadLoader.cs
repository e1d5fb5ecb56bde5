using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Host.Memory;
using Bulkhead.Machine.Boot.Formats;
using K4os.Compression.LZ4;

namespace Bulkhead.Machine.Boot;

/// <summary>Unpacks the payload of a bzImage: what its own decompressor would do in the guest is done here, at the host's speed. The
/// segments go where they belong, and the whole to a virtual address that nobody knows.</summary>
/// <remarks>
/// The payload is an ELF file with the table of its relocations behind it: from its end backwards, three lists of 32-bit addresses that
/// end with zero: of 32-bit fields, of negative 32-bit fields, of 64-bit fields.
/// <i>Source</i>: Linux Documentation/arch/x86/boot.rst, payload_offset; arch/x86/boot/compressed/misc.c and kaslr.c;
/// arch/x86/tools/relocs.c; LZ4's legacy frame format.
/// </remarks>
internal sealed class PayloadLoader : IDisposable
{
    private const uint Lz4Legacy = 0x184C_2102;
    private const int BlockBytes = 8 << 20;
    private const ulong MostBytes = 1 << 30;
    private const ulong KernelMap = 0xFFFF_FFFF_8000_0000;
    private const ulong KernelMapSize = 1ul << 30;

    private readonly GuestMemory _memory;
    private readonly LinuxSetupHeader _header;
    private readonly ulong _load;
    private readonly ulong _size;
    private readonly string _name;
    // Taken from the host and given back: the collector would keep them.
    private readonly ReservedArray<byte> _block = new(BlockBytes);
    private readonly ReservedArray<byte> _behind;
    private int _behindLength;
    private ElfSegment[] _segments = [];
    private ulong _entry;
    private ulong _loaded;
    private ulong _fileEnd;
    private ulong _at;

    private PayloadLoader(GuestMemory memory, LinuxSetupHeader header, ulong load, ulong size, string name)
    {
        _memory = memory;
        _header = header;
        _load = load;
        _size = size;
        _name = name;
        _behind = new ReservedArray<byte>((int)Math.Min(size, MostBytes));
    }

    /// <summary>Whether a payload is packed in a way that is unpacked here.</summary>
    internal static bool Knows(ReadOnlySpan<byte> payload) => payload.Length > 8 && BinaryPrimitives.ReadUInt32LittleEndian(payload) == Lz4Legacy;

    /// <summary>Loads the kernel at a physical address.</summary>
    /// <param name="memory">The guest's RAM.</param>
    /// <param name="payload">The packed kernel, and its size unpacked in the last four bytes.</param>
    /// <param name="header">The kernel's setup header.</param>
    /// <param name="load">Where what prefers the header's address goes; <see cref="LinuxSetupHeader.InitSize"/> bytes from there are RAM.</param>
    /// <param name="random">What its virtual address is chosen by; null: it is where it was linked for.</param>
    /// <param name="name">The kernel's name, for messages.</param>
    /// <returns>Its 64-bit entry.</returns>
    internal static ulong Load(GuestMemory memory, ReadOnlySpan<byte> payload, LinuxSetupHeader header, ulong load, Func<ulong>? random, string name)
    {
        using var loader = new PayloadLoader(memory, header, load, BinaryPrimitives.ReadUInt32LittleEndian(payload[^sizeof(uint)..]), name);
        loader._block.Populate();
        Span<byte> block = loader._block.Slice(0, BlockBytes);
        ReadOnlySpan<byte> rest = payload[sizeof(uint)..^sizeof(uint)];
        while (rest.Length > sizeof(uint))
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            rest = rest[sizeof(uint)..];
            int unpacked = length <= (uint)rest.Length ? LZ4Codec.Decode(rest[..(int)length], block) : -1;
            if (unpacked < 0)
            {
                throw loader.Broken("its LZ4 data are broken");
            }

            loader.Take(block[..unpacked]);
            rest = rest[(int)length..];
        }

        return loader.Finish(random);
    }

    public void Dispose()
    {
        _block.Dispose();
        _behind.Dispose();
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        if (_at == 0)
        {
            ReadHeaders(bytes);
        }

        ulong end = _at + (ulong)bytes.Length;
        foreach (ElfSegment s in _segments)
        {
            ulong first = Math.Max(s.Offset, _at);
            ulong last = Math.Min(s.Offset + s.FileSize, end);
            if (first < last)
            {
                LoaderWriter.Bytes(_memory, PlaceOf(s) + (first - s.Offset), bytes[(int)(first - _at)..(int)(last - _at)]);
            }
        }

        if (end > _fileEnd)
        {
            ReadOnlySpan<byte> behind = bytes[(int)(Math.Max(_fileEnd, _at) - _at)..];
            if (behind.Length > _behind.Length - _behindLength)
            {
                throw Broken($"it unpacks to more than {_size} bytes");
            }

            behind.CopyTo(_behind.Slice(_behindLength, behind.Length));
            _behindLength += behind.Length;
        }

        _at = end;
    }

    private void ReadHeaders(ReadOnlySpan<byte> bytes)
    {
        if (!ElfImage.IsElf(bytes) || !ElfImage.Is64(bytes) || !ElfImage.TryPrograms(bytes, _size, out ElfSegment[] segments))
        {
            throw Broken("it holds no ELF64 file");
        }

        _segments = [.. segments.Where(ElfImage.IsLoad)];
        _entry = ElfImage.Entry(bytes);
        foreach (ElfSegment s in _segments)
        {
            ulong offset = s.PhysicalAddress - _header.PreferredAddress;
            if (s.FileSize > s.MemorySize || s.MemorySize > _header.InitSize || offset > _header.InitSize - s.MemorySize)
            {
                throw Broken($"a segment at {s.PhysicalAddress:x} lies outside the {_header.InitSize:x} bytes from {_header.PreferredAddress:x} the kernel asks for");
            }

            _loaded = Math.Max(_loaded, offset + s.MemorySize);
            _fileEnd = Math.Max(_fileEnd, s.Offset + s.FileSize);
        }
    }

    private ulong PlaceOf(ElfSegment s) => _load + (s.PhysicalAddress - _header.PreferredAddress);

    private ulong Finish(Func<ulong>? random)
    {
        ulong entry = _entry - _header.PreferredAddress;
        if (_at != _size || entry >= _loaded)
        {
            throw Broken($"it unpacks to {_at} bytes instead of {_size}, or is entered outside them");
        }

        ulong moved = random is null ? 0 : Choose(random);
        if (moved != 0)
        {
            Relocate(moved);
        }

        return _load + entry;
    }

    /// <summary>By how much the virtual address is moved.</summary>
    private ulong Choose(Func<ulong> random)
    {
        ulong last = KernelMapSize - Math.Min(_header.InitSize, KernelMapSize);
        return last <= _header.PreferredAddress || _header.KernelAlignment == 0
            ? 0
            : random() % (((last - _header.PreferredAddress) / _header.KernelAlignment) + 1) * _header.KernelAlignment;
    }

    private void Relocate(ulong moved)
    {
        ReadOnlySpan<byte> table = _behind.Slice(0, _behindLength);
        ulong toPhysical = _load - _header.PreferredAddress - KernelMap;
        foreach (int kind in (ReadOnlySpan<int>)[4, -4, 8])
        {
            while (true)
            {
                int field = table.Length < sizeof(int) ? 0 : BinaryPrimitives.ReadInt32LittleEndian(table[^sizeof(int)..]);
                table = table[..Math.Max(table.Length - sizeof(int), 0)];
                if (field == 0)
                {
                    break;
                }

                var address = new Gpa((ulong)(long)field + toPhysical);
                bool done = kind == 8
                    ? _memory.TryReadUInt64(address, out ulong wide) && _memory.TryWriteUInt64(address, wide + moved)
                    : _memory.TryReadUInt32(address, out uint narrow) && _memory.TryWriteUInt32(address, kind > 0 ? narrow + (uint)moved : narrow - (uint)moved);
                if (!done)
                {
                    throw Broken($"the relocation of {(ulong)(long)field:x} lies outside RAM");
                }
            }
        }
    }

    private OperatorException Broken(string what) => KernelImage.Refuse(_name, $"a Linux kernel with a payload (at 248h) that can't be loaded: {what}");
}
