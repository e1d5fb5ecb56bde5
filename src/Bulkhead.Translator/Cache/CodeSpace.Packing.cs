using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Store;

namespace Bulkhead.Translator.Cache;

/// <content>What was translated as it is kept: page by page, without what holds only here.</content>
internal sealed unsafe partial class CodeSpace
{
    /// <inheritdoc/>
    /// <remarks>Without the lock, which vCPUs may need at any time. What is read of blocks that were published only changes where links are, which are taken out, and when
    /// all is dropped: then what was read may be of anything, and is of no use.</remarks>
    void ICodeSource.WriteTo(StoreWriter writer)
    {
        int generation = Generation;
        try
        {
            WriteTo(writer, generation, Volatile.Read(ref _published));
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException && IsOver(generation))
        {
            return; // it led to nowhere
        }
    }

    private void WriteTo(StoreWriter writer, int generation, int published)
    {
        using var found = new ReservedArray<Found>(Math.Max(published, 1));
        int count = Find(found, published);
        Span<Found> blocks = found.Slice(0, count);
        blocks.Sort(static (a, b) => a.Key.CompareTo(b.Key) is not 0 and int order ? order : a.Offset != b.Offset ? a.Offset - b.Offset : a.Block - b.Block);
        using var page = new ReservedArray<byte>(StoreWriter.MostPageBytes);
        for (int first = 0; first < count;)
        {
            int end = first + 1;
            while (end < count && blocks[end].Key == blocks[first].Key)
            {
                end++;
            }

            // What was taken from the store is there; what was not comes behind it.
            int kept = writer.ReadBefore(blocks[first].Key, page.Slice(0, page.Length), out int instructions);
            int bytes = kept;
            bool packed = TryPack(blocks[first..end], page.Slice(0, page.Length), ref bytes, out int more);
            if (IsOver(generation))
            {
                return;
            }

            bytes = packed ? bytes : kept;
            if (bytes > 0)
            {
                writer.Add(blocks[first].Key, page.Slice(0, bytes), instructions + (packed ? more : 0));
            }

            first = end;
        }
    }

    private bool IsOver(int generation)
    {
        Interlocked.MemoryBarrier(); // behind what was read
        return Generation != generation;
    }

    /// <summary>Finds the blocks to keep.</summary>
    private int Find(ReservedArray<Found> found, int published)
    {
        int count = 0;
        int edge = 0;
        int interpreted = MaxVcpus;
        var places = new NumberList(_places!, 0);
        for (int block = 0; block < published; block++)
        {
            ref readonly Block b = ref _blocks[block];
            ref readonly CodePage page = ref _pages[(int)b.Page];
            int hash = page.Hash;
            if (hash > 0 && b is { SecondPage: 0, Notes: not 0 })
            {
                found[count++] = new Found { Key = KeyOf(page, hash), Offset = b.Offset, Block = block, Places = places.At, Edge = edge, Interpreted = interpreted };
            }

            _ = places.Read();
            edge += places.Read();
            interpreted += places.Read();
            for (int rest = places.Read(); rest > 1; rest--)
            {
                _ = places.Read();
            }
        }

        return count;
    }

    /// <summary>Packs the blocks of a page behind what there is, each once; false where they are too much, or go to one that is not among them.</summary>
    private bool TryPack(ReadOnlySpan<Found> blocks, Span<byte> into, ref int bytes, out int instructions)
    {
        Span<ulong> has = stackalloc ulong[4096 / 64]; // a bit for each offset
        has.Clear();
        instructions = 0;
        for (int at = 0; at < bytes;)
        {
            StoredBlock block = new StoredParts(into[at..]).Block;
            has[block.Offset >> 6] |= 1ul << (block.Offset & 63);
            at += block.Bytes;
        }

        foreach (ref readonly Found found in blocks)
        {
            if ((has[found.Offset >> 6] >> (found.Offset & 63) & 1) == 0)
            {
                if (!TryPack(found, into[bytes..], out int packed))
                {
                    return false;
                }

                bytes += packed;
                instructions += _blocks[found.Block].Count;
                has[found.Offset >> 6] |= 1ul << (found.Offset & 63);
            }
        }

        for (int at = 0; at < bytes;)
        {
            var parts = new StoredParts(into[at..]);
            foreach (uint place in parts.Places)
            {
                int target = CodePlace.Kind(place) == CodePlaceKind.Outside ? ~MemoryMarshal.Read<int>(parts.Code[CodePlace.Offset(place)..]) : -1;
                if (target >= 0 && (has[target >> 6] >> (target & 63) & 1) == 0)
                {
                    return false;
                }
            }

            at += parts.Bytes;
        }

        return true;
    }

    private bool TryPack(in Found found, Span<byte> into, out int bytes)
    {
        Block block = _blocks[found.Block];
        var list = new NumberList(_places!, found.Places);
        StoredBlock stored = new()
        {
            CodeBytes = list.Read(), Offset = block.Offset, Edges = (ushort)list.Read(), Interpreted = (ushort)list.Read(), Count = block.Count, Notes = block.Notes,
            FlagsEntry = (byte)block.FlagsEntry,
        };
        int places = list.Read() - 1;
        stored.Places = (ushort)places;
        bytes = stored.Bytes;
        if (places < 0 || bytes > into.Length || (ulong)(uint)block.Start + (uint)stored.CodeBytes > (ulong)_options.CodeCacheBytes)
        {
            return false;
        }

        var parts = new StoredParts(into, stored);
        _blocks.ReadNotes(block, MemoryMarshal.Cast<uint, Note>(parts.Notes));
        for (int i = 0; i < stored.Edges; i++)
        {
            ref readonly Edge edge = ref _edges[found.Edge + i];
            parts.Edges[i] = new StoredEdge { Jump = edge.JumpPlace - block.Start, IdBefore = edge.IdBefore, MissAfter = edge.MissAfter };
        }

        ModeWord mode = ModeOf(block.Page);
        for (int i = 0; i < stored.Interpreted; i++)
        {
            parts.Interpreted[i] = (ushort)(mode.InPages(_interpreted[found.Interpreted + i].IP) & 0xFFF);
        }

        // SAFETY: it lies in the cache, whatever was read (StoreTests).
        new ReadOnlySpan<byte>(_code.Executable + block.Start, stored.CodeBytes).CopyTo(parts.Code);
        int last = 0;
        foreach (ref uint place in parts.Places)
        {
            uint next = (uint)list.Read();
            last += CodePlace.Offset(next);
            place = CodePlace.Of(CodePlace.Kind(next), last);
        }

        return TryFree(block, parts, found.Edge, found.Interpreted);
    }

    /// <summary>Takes out of a copy of a block's code what holds only here: links, numbers, distances.</summary>
    private bool TryFree(in Block block, in StoredParts parts, int firstEdge, int firstInterpreted)
    {
        int left = parts.Edges.Length;
        StoredEdge edge = default;
        foreach (uint place in parts.Places)
        {
            int offset = CodePlace.Offset(place);
            int value = MemoryMarshal.Read<int>(parts.Code[offset..]);
            switch (CodePlace.Kind(place))
            {
                case CodePlaceKind.EdgeStub:
                    int number = offset + BlockEmitter.EdgeNumberIn(parts.Code[offset..], out _);
                    value = MemoryMarshal.Read<int>(parts.Code[number..]);
                    int index = (int)((uint)value >> 8) - firstEdge;
                    if ((uint)index >= (uint)parts.Edges.Length)
                    {
                        return false;
                    }

                    edge = parts.Edges[index];
                    Write(parts, number, value - (firstEdge << 8));
                    Write(parts, edge.Jump, offset - (edge.Jump + sizeof(int)));
                    if (edge.IdBefore != 0)
                    {
                        Write(parts, edge.Jump - edge.IdBefore, -1);
                    }

                    left--;
                    break;
                case CodePlaceKind.InterpretedNumber:
                    if (((uint)value >> 8) - (uint)firstInterpreted >= (uint)parts.Interpreted.Length)
                    {
                        return false;
                    }

                    Write(parts, offset, value - (firstInterpreted << 8));
                    break;
                default:
                    int target = edge.MissAfter != 0 && edge.Jump + edge.MissAfter == offset ? (int)(Thunks.Leave - _code.Executable) : block.Start + offset + sizeof(int) + value;
                    if (target >= _firstFree)
                    {
                        if (!_blocks.TryFindHost(target, out int other) || _blocks[other].Start != target || _blocks[other].Page != block.Page || _blocks[other].SecondPage != 0)
                        {
                            return false;
                        }

                        target = ~_blocks[other].Offset;
                    }

                    Write(parts, offset, target);
                    break;
            }
        }

        return left == 0;
    }

    private static void Write(in StoredParts parts, int offset, int value) => MemoryMarshal.Write(parts.Code[offset..], in value);

    /// <summary>A block to keep, and where its numbers begin.</summary>
    private struct Found
    {
        internal PageKey Key;
        internal int Offset;
        internal int Block;
        internal int Places;
        internal int Edge;
        internal int Interpreted;
    }
}
