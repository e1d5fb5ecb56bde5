using System.Buffers.Binary;
using System.Text;

namespace Bulkhead.Images.Elf;

/// <summary>What a dynamic ELF file asks of the system it runs on.</summary>
/// <param name="Interpreter">The path of its loader, or null for a library or a static program.</param>
/// <param name="Needed">The names of the libraries it needs directly.</param>
/// <remarks><i>Source</i>: System V ABI (gABI), chapter 5, "Program Header" and "Dynamic Section".</remarks>
internal sealed record ElfDependencies(string? Interpreter, IReadOnlyList<string> Needed)
{
    private const int HeaderSize = 64;
    private const int ProgramHeaderSize = 56;
    private const int DynamicEntrySize = 16;
    private const uint SegmentLoad = 1;
    private const uint SegmentDynamic = 2;
    private const uint SegmentInterpreter = 3;
    private const ulong TagNeeded = 1;
    private const ulong TagStringTable = 5;

    /// <summary>Reads a 64-bit little-endian ELF file; false where the bytes are not one.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> file, out ElfDependencies dependencies)
    {
        dependencies = new ElfDependencies(null, []);
        if (file.Length < HeaderSize || !file[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
        {
            return false;
        }

        ulong tableOffset = BinaryPrimitives.ReadUInt64LittleEndian(file[32..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(file[56..]);
        if (!TrySlice(file, tableOffset, (ulong)count * ProgramHeaderSize, out ReadOnlySpan<byte> headers))
        {
            return false;
        }

        string? interpreter = null;
        ReadOnlySpan<byte> dynamic = default;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = headers[(i * ProgramHeaderSize)..];
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(header);
            if (type is not (SegmentDynamic or SegmentInterpreter))
            {
                continue;
            }

            ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
            ulong size = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
            if (!TrySlice(file, offset, size, out ReadOnlySpan<byte> content))
            {
                return false;
            }

            if (type == SegmentInterpreter)
            {
                interpreter = ReadString(content);
            }
            else
            {
                dynamic = content;
            }
        }

        if (!TryReadNeeded(file, headers, dynamic, out List<string> needed))
        {
            return false;
        }

        dependencies = new ElfDependencies(interpreter, needed);
        return true;
    }

    private static bool TryReadNeeded(ReadOnlySpan<byte> file, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> dynamic, out List<string> needed)
    {
        needed = [];
        ulong tableAddress = 0;
        var offsets = new List<ulong>();
        for (int at = 0; at + DynamicEntrySize <= dynamic.Length; at += DynamicEntrySize)
        {
            ulong tag = BinaryPrimitives.ReadUInt64LittleEndian(dynamic[at..]);
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(dynamic[(at + 8)..]);
            if (tag == 0)
            {
                break;
            }

            if (tag == TagNeeded)
            {
                offsets.Add(value);
            }
            else if (tag == TagStringTable)
            {
                tableAddress = value;
            }
        }

        foreach (ulong offset in offsets)
        {
            if (!TryFileOffset(headers, unchecked(tableAddress + offset), out ulong position) || position >= (ulong)file.Length)
            {
                return false;
            }

            needed.Add(ReadString(file[(int)position..]));
        }

        return true;
    }

    // The dynamic section speaks in addresses; the loadable segments say where in the file they lie.
    private static bool TryFileOffset(ReadOnlySpan<byte> headers, ulong address, out ulong offset)
    {
        for (int at = 0; at + ProgramHeaderSize <= headers.Length; at += ProgramHeaderSize)
        {
            ReadOnlySpan<byte> header = headers[at..];
            ulong start = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
            ulong size = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) == SegmentLoad && address >= start && address - start < size)
            {
                offset = unchecked(BinaryPrimitives.ReadUInt64LittleEndian(header[8..]) + (address - start));
                return true;
            }
        }

        offset = 0;
        return false;
    }

    private static bool TrySlice(ReadOnlySpan<byte> file, ulong offset, ulong size, out ReadOnlySpan<byte> slice)
    {
        slice = default;
        ulong length = (ulong)file.Length;
        if (size > length || offset > length - size)
        {
            return false;
        }

        slice = file.Slice((int)offset, (int)size);
        return true;
    }

    private static string ReadString(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
