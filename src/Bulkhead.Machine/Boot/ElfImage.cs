using System.Buffers.Binary;
using System.Globalization;

namespace Bulkhead.Machine.Boot;

/// <summary>Reads an ELF64 kernel: its segments and its PVH entry. Every offset is checked against the file.</summary>
/// <remarks><i>Source</i>: System V ABI, Object Files; Xen public/elfnote.h (XEN_ELFNOTE_PHYS32_ENTRY).</remarks>
internal static class ElfImage
{
    private const uint TypeLoad = 1;
    private const uint TypeNote = 4;
    private const uint NotePhys32Entry = 18;
    private const ushort MachineX64 = 62;

    /// <summary>Whether the file starts with the ELF magic.</summary>
    internal static bool IsElf(ReadOnlySpan<byte> image) => image.Length >= 64 && image.StartsWith("\u007fELF"u8);

    /// <summary>Why this ELF file cannot be started, or null.</summary>
    internal static string? Refusal(ReadOnlySpan<byte> image)
    {
        if (image[4] != 2 || image[5] != 1)
        {
            return $"an ELF file of class {image[4]}, data {image[5]} at offset 4 (needed: 64-bit, little-endian)";
        }

        ushort machine = BinaryPrimitives.ReadUInt16LittleEndian(image[18..]);
        if (machine != MachineX64)
        {
            return $"an ELF file for machine {machine} at offset 12h (needed: 62, x86-64)";
        }

        if (!TryPrograms(image, out ElfSegment[] segments))
        {
            return "an ELF file whose program headers point outside the file: it is cut off";
        }

        return TryPvhEntry(image, segments, out _)
            ? null
            : $"an ELF64 x86-64 file with {segments.Length.ToString(CultureInfo.InvariantCulture)} program headers but no PVH entry note (type 18, name Xen)";
    }

    /// <summary>The segments; false when a header points outside the file.</summary>
    internal static bool TryPrograms(ReadOnlySpan<byte> image, out ElfSegment[] segments) => TryPrograms(image, (ulong)image.Length, out segments);

    /// <summary>The same of a file of which only the first bytes are at hand.</summary>
    internal static bool TryPrograms(ReadOnlySpan<byte> image, ulong length, out ElfSegment[] segments)
    {
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(image[32..]);
        ushort size = BinaryPrimitives.ReadUInt16LittleEndian(image[54..]);
        ushort count = BinaryPrimitives.ReadUInt16LittleEndian(image[56..]);
        segments = [];
        ulong bytes = (ulong)size * count;
        if (size < 56 || bytes > (ulong)image.Length || table > (ulong)image.Length - bytes)
        {
            return false;
        }

        var found = new ElfSegment[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> h = image[((int)table + (i * size))..];
            var s = new ElfSegment(
                BinaryPrimitives.ReadUInt32LittleEndian(h),
                BinaryPrimitives.ReadUInt64LittleEndian(h[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(h[24..]),
                BinaryPrimitives.ReadUInt64LittleEndian(h[32..]),
                BinaryPrimitives.ReadUInt64LittleEndian(h[40..]));
            if (s.FileSize > length || s.Offset > length - s.FileSize)
            {
                return false;
            }

            found[i] = s;
        }

        segments = found;
        return true;
    }

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

    private static ulong Align4(uint size) => ((ulong)size + 3) & ~3ul;
}
