using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;

namespace Bulkhead.Machine.Symbols;

/// <summary>Finds the kallsyms tables of a Linux kernel in the RAM of a guest that has stopped.</summary>
/// <remarks>
/// <para>Nothing says where they are, and KASLR moves them. So: look for the token table, the one part with content that is
/// known (the digits), and check the parts around it against each other. What a guest forges gives a wrong name at worst:
/// sizes, places and tries are bounded. Copies are outside the collector's heap: they are megabytes, and a collection would
/// hold up the domains that go on.</para>
/// <para><i>Shape</i>, each part 8-byte aligned, up to Linux 6.3:</para>
/// <code>
/// offsets  int[n]     negative: relative_base - 1 - offset; else the address itself (per-CPU symbols)
/// relative_base ulong
/// num_syms uint       n
/// names               n times: length (7 bits, or 14 in two bytes), then so many tokens
/// markers  uint[]     where in names every 256th one starts
/// seqs     3 bytes, n times; from 6.2 on, and in 6.1's later stable releases
/// token_table, token_index
/// </code>
/// <para>From 6.4 on, offsets, relative_base and seqs come behind token_index.</para>
/// <para><i>Source</i>: Linux, scripts/kallsyms.c, write_src.</para>
/// </remarks>
internal static class KallsymsFinder
{
    /// <summary>A marker for every 2^8 names.</summary>
    internal const int MarkerShift = 8;

    /// <summary>The names of one marker, less one.</summary>
    internal const int MarkerMask = (1 << MarkerShift) - 1;

    private const ulong Reach = 64ul << 20;
    private const int Chunk = 1 << 20;
    private const int MostTables = 8;
    private const int MostNames = 8;
    private const int MostSymbols = 1 << 20;
    private const int MostMarkers = MostSymbols >> MarkerShift;
    private const int MostSeqBytes = 3 * MostSymbols;
    private const int MostNameBytes = 32 << 20;
    private const int MostTailBytes = 64 << 10;
    private const ulong KernelHalf = 0xFFFF_8000_0000_0000;

    /// <summary>Looks within 64 MiB around a physical address in the kernel's image; null where nothing holds together. The caller disposes
    /// what is found.</summary>
    internal static KernelSymbols? Find(GuestMemory memory, Gpa near)
    {
        (ulong first, ulong end) = Bounds(memory, near);
        using var chunk = new ReservedArray<byte>(Chunk + TokenTable.Digits.Length);
        int tables = 0;
        for (ulong at = first; at < end; at += Chunk)
        {
            Span<byte> bytes = chunk.Slice(0, (int)Math.Min((ulong)chunk.Length, end - at));
            if (!memory.TryRead(new Gpa(at), bytes))
            {
                return null;
            }

            for (int from = 0; bytes[from..].IndexOf(TokenTable.Digits) is >= 0 and int found && tables < MostTables; tables++)
            {
                if (ReadAround(memory, first, end, at + (ulong)(from + found)) is { } symbols)
                {
                    return symbols;
                }

                from += found + 1;
            }
        }

        return null;
    }

    /// <summary>Reads the length in front of a name and moves behind it; false where the name is not wholly there.</summary>
    internal static bool TryLength(ReadOnlySpan<byte> names, ref int at, out int length)
    {
        length = 0;
        if ((uint)at >= (uint)names.Length)
        {
            return false;
        }

        length = names[at++];
        if ((length & 0x80) != 0)
        {
            if (at == names.Length)
            {
                return false;
            }

            length = (length & 0x7F) | (names[at++] << 7);
        }

        return length > 0 && length <= names.Length - at;
    }

    // RAM is one or two ranges; the image lies within one.
    private static (ulong First, ulong End) Bounds(GuestMemory memory, Gpa near)
    {
        bool low = near.Value < memory.LowSizeBytes;
        ulong start = low ? 0 : GuestMemory.HighStart;
        ulong end = low ? memory.LowSizeBytes : GuestMemory.HighStart + memory.HighSizeBytes;
        ulong page = near.Value & ~0xFFFul;
        ulong first = page >= start + Reach ? page - Reach : start;
        return (first, page < end ? Math.Min(end, page + Reach) : first);
    }

    private static KernelSymbols? ReadAround(GuestMemory memory, ulong first, ulong end, ulong digits)
    {
        ulong from = Math.Max(digits - Math.Min(digits, (ulong)TokenTable.MostBytes), first) & ~7ul;
        using var around = new ReservedArray<byte>(2 * TokenTable.MostBytes);
        Span<byte> bytes = around.Slice(0, (int)Math.Min((ulong)around.Length, end - from));
        if (!memory.TryRead(new Gpa(from), bytes)
            || TokenTable.Read(bytes, (int)(digits - from), out int start, out int indexEnd) is not { } tokens)
        {
            return null;
        }

        ulong table = from + (ulong)start;
        if ((ReadMarkers(memory, first, table, out ulong markersAt) ?? ReadMarkersBeforeSeqs(memory, first, table, out markersAt)) is not { } markers
            || ReadNames(memory, first, markersAt, markers, out ulong namesAt, out int count) is not { } names)
        {
            return null;
        }

        ulong offsetBytes = (((ulong)count * sizeof(int)) + 7) & ~7ul;
        ulong behind = from + (ulong)indexEnd;
        ReservedArray<ulong>? addresses = ReadAddresses(memory, namesAt - 16 - offsetBytes, namesAt - 16, count)
            ?? ReadAddresses(memory, behind, behind + offsetBytes, count);
        if (addresses is null)
        {
            names.Dispose();
            return null;
        }

        return new KernelSymbols(addresses, names, markers, tokens);
    }

    // Backwards from the token table: falling values down to the 0 of the first marker.
    private static uint[]? ReadMarkers(GuestMemory memory, ulong first, ulong table, out ulong at)
    {
        int most = (int)Math.Min((table - first) / sizeof(uint), MostMarkers + 1);
        byte[] bytes = new byte[most * sizeof(uint)];
        at = table - (ulong)bytes.Length;
        if (most < 2 || !memory.TryRead(new Gpa(at), bytes))
        {
            return null;
        }

        int end = most;
        if (Word(end - 1) == 0)
        {
            end--; // an odd number of them, and four bytes to align what follows
        }

        int start = end - 1;
        while (start > 0 && Word(start) != 0 && Word(start - 1) < Word(start))
        {
            start--;
        }

        if (Word(start) != 0 || start == end - 1)
        {
            return null;
        }

        at += (ulong)start * sizeof(uint);
        return at % 8 == 0 ? Markers(bytes.AsSpan(start * sizeof(uint)), end - start) : null;

        uint Word(int i) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(i * sizeof(uint)));
    }

    // Between markers and token table lie 3 bytes a symbol, so where the markers end says how many of them there are.
    private static uint[]? ReadMarkersBeforeSeqs(GuestMemory memory, ulong first, ulong table, out ulong at)
    {
        ulong from = Math.Max(table - Math.Min(table, MostSeqBytes + (MostMarkers * sizeof(uint))), first);
        at = 0;
        if (table == from)
        {
            return null;
        }

        using var before = new ReservedArray<byte>((int)(table - from));
        Span<byte> bytes = before.Slice(0, before.Length);
        if (!memory.TryRead(new Gpa(from), bytes))
        {
            return null;
        }

        for (int end = bytes.Length - 8; end > 0; end -= 8)
        {
            int symbols = (bytes.Length - end) / 3;

            // 3n is rounded up to 8, so up to three n end here; the outer two give every count of markers there can be.
            for (int n = symbols; n >= symbols - 2; n -= 2)
            {
                int count = (n + MarkerMask) >> MarkerShift;
                int start = end - (((count * sizeof(uint)) + 7) & ~7);
                if (count > 1 && start >= 0 && BinaryPrimitives.ReadUInt32LittleEndian(bytes[start..]) == 0
                    && Markers(bytes[start..], count) is { } markers)
                {
                    at = from + (ulong)start;
                    return markers;
                }
            }
        }

        return null;
    }

    private static uint[]? Markers(ReadOnlySpan<byte> bytes, int count)
    {
        uint last = 0;
        for (int i = 1; i < count; i++)
        {
            uint marker = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * sizeof(uint))..]);
            if (marker <= last || marker >= MostNameBytes)
            {
                return null;
            }

            last = marker;
        }

        uint[] markers = new uint[count];
        for (int i = 0; i < count; i++)
        {
            markers[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * sizeof(uint))..]);
        }

        return markers;
    }

    // The names end at the markers; they start where the number before them, and every marker, fits them.
    private static ReservedArray<byte>? ReadNames(GuestMemory memory, ulong first, ulong end, uint[] markers, out ulong at, out int count)
    {
        ulong latest = (end - markers[^1]) & ~7ul;
        ulong earliest = Math.Max(latest - Math.Min(latest, MostTailBytes), first + 16);
        int tries = 0;
        for (at = latest; at >= earliest && tries < MostNames; at -= 8)
        {
            if (!memory.TryReadUInt64(new Gpa(at - 8), out ulong number)
                || number <= (ulong)(markers.Length - 1) << MarkerShift
                || number > (ulong)markers.Length << MarkerShift)
            {
                continue;
            }

            tries++;
            var names = new ReservedArray<byte>((int)(end - at));
            if (memory.TryRead(new Gpa(at), names.Slice(0, names.Length)) && Fits(names.Slice(0, names.Length), markers, (int)number))
            {
                count = (int)number;
                return names;
            }

            names.Dispose();
        }

        count = 0;
        return null;
    }

    private static bool Fits(ReadOnlySpan<byte> names, uint[] markers, int count)
    {
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            if (((i & MarkerMask) == 0 && markers[i >> MarkerShift] != (uint)at) || !TryLength(names, ref at, out int length))
            {
                return false;
            }

            at += length;
        }

        return names.Length - at < 8;
    }

    private static ReservedArray<ulong>? ReadAddresses(GuestMemory memory, ulong at, ulong baseAt, int count)
    {
        using var read = new ReservedArray<byte>(count * sizeof(int));
        Span<byte> bytes = read.Slice(0, read.Length);
        if (!memory.TryReadUInt64(new Gpa(baseAt), out ulong relativeBase) || relativeBase < KernelHalf || !memory.TryRead(new Gpa(at), bytes))
        {
            return null;
        }

        bool perCpu = Offset(bytes, count - 1) < 0;
        var addresses = new ReservedArray<ulong>(count);
        for (int i = 0; i < count; i++)
        {
            int offset = Offset(bytes, i);
            addresses[i] = !perCpu ? relativeBase + (uint)offset : offset >= 0 ? (ulong)offset : relativeBase - 1 - (ulong)(long)offset;
            if (i > 0 && addresses[i] < addresses[i - 1])
            {
                addresses.Dispose();
                return null;
            }
        }

        return addresses;
    }

    private static int Offset(ReadOnlySpan<byte> offsets, int symbol) => BinaryPrimitives.ReadInt32LittleEndian(offsets[(symbol * sizeof(int))..]);
}
