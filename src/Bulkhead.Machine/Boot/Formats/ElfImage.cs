using System.Buffers.Binary;

namespace Bulkhead.Machine.Boot.Formats;

/// <summary>Reads an ELF kernel of either class: its segments, its entry, its PVH entry. Every offset is checked against the file.</summary>
/// <remarks><i>Source</i>: System V ABI, Object Files; Xen public/elfnote.h (XEN_ELFNOTE_PHYS32_ENTRY).</remarks>
internal static class ElfImage
{
    private const uint TypeLoad = 1;
    private const uint TypeNote = 4;
    private const uint NotePhys32Entry = 18;
    private const ushort Machine386 = 3;
    private const ushort MachineX64 = 62;
    private const byte Class32 = 1;
    private const byte Class64 = 2;
    private const byte LittleEndianData = 1;

    /// <summary>Whether the file starts with the ELF magic.</summary>
    internal static bool IsElf(ReadOnlySpan<byte> image) => image.Length >= 64 && image.StartsWith("\u007fELF"u8);

    /// <summary>Whether an ELF file has 64-bit fields.</summary>
    internal static bool Is64(ReadOnlySpan<byte> image) => image[4] == Class64;

    /// <summary>Where an ELF file wants to be entered.</summary>
    internal static ulong Entry(ReadOnlySpan<byte> image) =>
        Is64(image) ? BinaryPrimitives.ReadUInt64LittleEndian(image[24..]) : BinaryPrimitives.ReadUInt32LittleEndian(image[24..]);

    /// <summary>Why this ELF file is for another machine or cut off, or null.</summary>
    internal static string? Refusal(ReadOnlySpan<byte> image)
    {
        if (image[4] is not (Class32 or Class64) || image[5] != LittleEndianData)
        {
            return $"an ELF file of class {image[4]}, data {image[5]} at offset 4 (needed: little-endian, of 32 or 64 bits)";
        }

        ushort machine = BinaryPrimitives.ReadUInt16LittleEndian(image[18..]);
        if (machine is not (Machine386 or MachineX64))
        {
            return $"an ELF file for machine {machine} at offset 12h (needed: 62, x86-64, or 3, Intel 80386)";
        }

        return TryPrograms(image, out _) ? null : "an ELF file whose program headers point outside the file: it is cut off";
    }

    /// <summary>The segments; false when a header points outside the file.</summary>
    internal static bool TryPrograms(ReadOnlySpan<byte> image, out ElfSegment[] segments) => TryPrograms(image, (ulong)image.Length, out segments);

    /// <summary>The same of a file of which only the first bytes are at hand.</summary>
    internal static bool TryPrograms(ReadOnlySpan<byte> image, ulong length, out ElfSegment[] segments)
    {
        bool wide = Is64(image);
        ulong table = wide ? BinaryPrimitives.ReadUInt64LittleEndian(image[32..]) : BinaryPrimitives.ReadUInt32LittleEndian(image[28..]);
        ushort size = BinaryPrimitives.ReadUInt16LittleEndian(image[(wide ? 54 : 42)..]);
        ushort count = BinaryPrimitives.ReadUInt16LittleEndian(image[(wide ? 56 : 44)..]);
        segments = [];
        ulong bytes = (ulong)size * count;
        if (size < (wide ? 56 : 32) || bytes > (ulong)image.Length || table > (ulong)image.Length - bytes)
        {
            return false;
        }

        var found = new ElfSegment[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> h = image[((int)table + (i * size))..];
            ElfSegment s = wide ? Read64(h) : Read32(h);
            if (s.FileSize > length || s.Offset > length - s.FileSize)
            {
                return false;
            }

            found[i] = s;
        }

        segments = found;
        return true;
    }

    /// <summary>A range to be loaded that no program header describes.</summary>
    internal static ElfSegment Load(ulong offset, ulong address, ulong fileSize, ulong memorySize) => new(TypeLoad, offset, address, address, fileSize, memorySize);

    /// <summary>Whether a segment is to be loaded.</summary>
    internal static bool IsLoad(ElfSegment segment) => segment.Type == TypeLoad && segment.MemorySize > 0;

    /// <summary>The 32-bit physical entry of the PVH note.</summary>
    internal static bool TryPvhEntry(ReadOnlySpan<byte> image, ElfSegment[] segments, out ulong entry)
    {
        foreach (ElfSegment s in segments)
        {
            if (s.Type != TypeNote)
            {
                continue;
            }

            ReadOnlySpan<byte> notes = image.Slice((int)s.Offset, (int)s.FileSize);
            while (notes.Length >= 12)
            {
                uint nameSize = BinaryPrimitives.ReadUInt32LittleEndian(notes);
                uint dataSize = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
                uint type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
                ulong data = 12 + Align4(nameSize);
                ulong next = data + Align4(dataSize);
                if (data + dataSize > (ulong)notes.Length)
                {
                    break;
                }

                if (type == NotePhys32Entry && notes.Slice(12, (int)nameSize).SequenceEqual("Xen\0"u8) && dataSize is 4 or 8)
                {
                    ReadOnlySpan<byte> value = notes[(int)data..];
                    entry = dataSize == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(value) : BinaryPrimitives.ReadUInt32LittleEndian(value);
                    return true;
                }

                notes = next >= (ulong)notes.Length ? [] : notes[(int)next..];
            }
        }

        entry = 0;
        return false;
    }

    private static ElfSegment Read64(ReadOnlySpan<byte> h) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(h),
        BinaryPrimitives.ReadUInt64LittleEndian(h[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(h[16..]),
        BinaryPrimitives.ReadUInt64LittleEndian(h[24..]),
        BinaryPrimitives.ReadUInt64LittleEndian(h[32..]),
        BinaryPrimitives.ReadUInt64LittleEndian(h[40..]));

    private static ElfSegment Read32(ReadOnlySpan<byte> h) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(h),
        BinaryPrimitives.ReadUInt32LittleEndian(h[4..]),
        BinaryPrimitives.ReadUInt32LittleEndian(h[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(h[12..]),
        BinaryPrimitives.ReadUInt32LittleEndian(h[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(h[20..]));

    private static ulong Align4(uint size) => ((ulong)size + 3) & ~3ul;
}
