using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Store;

namespace Bulkhead.Translator.Cache;

/// <content>Translations that are kept: what a page's bytes were translated to before is taken from the store, all of it at once, and what
/// was translated goes there at the end.</content>
internal sealed unsafe partial class CodeSpace : ICodeSource
{
    /// <summary>Of a <see cref="CodePage"/> whose translations are not kept.</summary>
    private const int NoHash = -1;

    private CodeStore? _store;
    private ReservedArray<byte>? _places;
    private ReservedArray<PageHash>? _hashes;
    private ReservedArray<byte>? _stored;
    private PageCopies? _copies;
    private int _published; // blocks of which all is there that packing needs
    private int _placesLength;
    private int _hashCount;
    private int _publishedEdges;
    private int _publishedInterpreted = MaxVcpus;
    private long _newInstructions;
    private bool _asked;

    /// <summary>Guest instructions taken from the store so far.</summary>
    internal long LoadedInstructions { get; private set; }

    /// <inheritdoc/>
    long ICodeSource.NewInstructions => Volatile.Read(ref _newInstructions);

    // The verifier compares blocks with plans, which are not kept.
    private void OpenStore(CodeStore? store)
    {
        if (store is null || _options.Verify || !store.TryJoin(this, (ulong)Thunks.Bytes))
        {
            return;
        }

        _store = store;
        _places = new ReservedArray<byte>(_options.CodeCacheBytes / 8);
        _hashes = new ReservedArray<PageHash>(MaxPages + 1);
        _stored = new ReservedArray<byte>(StoreWriter.MostPageBytes);
        _copies = new PageCopies();
    }

    /// <inheritdoc/>
    void ICodeSource.Release()
    {
        _places!.Dispose();
        _hashes!.Dispose();
        _stored!.Dispose();
        _copies!.Dispose();
        Free();
    }

    /// <summary>Asks for what was translated to be kept while there still is room for more: when it is full, all is dropped.</summary>
    private void AskToKeep()
    {
        if (!_asked && _store is not null && _free > _options.CodeCacheBytes / 4 * 3)
        {
            _asked = true;
            _store.Ask();
        }
    }

    private bool HasRoomForPlaces => _places is null || _placesLength < _places.Length - (1 << 16);

    private void ForgetPlaces()
    {
        _placesLength = 0;
        _hashCount = 0;
        _publishedEdges = 0;
        _publishedInterpreted = MaxVcpus;
        _asked = false;
        _published = 0;
        Volatile.Write(ref _newInstructions, 0);
    }

    /// <summary>Notes what <see cref="ICodeSource.WriteTo"/> has to know of a block that was published; of one that was kept, where the next begins.</summary>
    private void NotePlaces(ReadOnlySpan<uint> places, int codeBytes, bool kept)
    {
        if (_places is null)
        {
            return;
        }

        var writer = new NumberList(_places, _placesLength);
        writer.Add(codeBytes);
        writer.Add(_edgeCount - _publishedEdges);
        writer.Add(_interpretedCount - _publishedInterpreted);
        writer.Add(kept ? 0 : places.Length - (2 * (_edgeCount - _publishedEdges)) + 1);
        int last = 0;
        for (int i = 0; i < places.Length && !kept; i++)
        {
            CodePlaceKind kind = CodePlace.Kind(places[i]);
            int offset = CodePlace.Offset(places[i]);
            writer.Add((int)CodePlace.Of(kind, offset - last));
            last = offset;
            i += kind == CodePlaceKind.EdgeStub ? 2 : 0; // its number and its call are where they must be
        }

        _placesLength = writer.At;
        _publishedEdges = _edgeCount;
        _publishedInterpreted = _interpretedCount;
    }

    /// <summary>Whether what a page is translated to may be of use elsewhere. User code for one address is not, since addresses are random.</summary>
    private bool IsKept(in CodePage page)
    {
        ModeWord mode = new(page.Mode);
        return page.Kind != PageKind.Gate && (page.Kind == PageKind.Relative || mode.Cpl != 3) && !mode.Windowed && ReadOf(page.RamPage) == null;
    }

    private PageKey KeyOf(in CodePage page, int hash) => new(_hashes![hash], page.Mode, page.Kind == PageKind.Relative ? PageKey.Anywhere : page.Gva);

    /// <summary>Takes what is kept of a page, when it is first asked for a translation. Under the lock, the page guarded, with room.</summary>
    private bool TryLoad(uint pageId)
    {
        ref CodePage page = ref _pages[(int)pageId];
        if (_store is null || page.Hash != 0)
        {
            return false;
        }

        page.Hash = NoHash;
        if (!IsKept(page))
        {
            return false;
        }

        page.Hash = ++_hashCount;
        byte* bytes = _copies!.Take(pageId, BytesOf(page.RamPage));
        _hashes![page.Hash] = HashOf(bytes);
        int length = _store.Read(KeyOf(page, page.Hash), _stored!.Slice(0, _stored.Length));
        Span<byte> stored = _stored.Slice(0, length);
        if (length == 0 || !HasRoomFor(length))
        {
            return false;
        }

        int first = _blocks.Count;
        for (int at = 0; at < length;)
        {
            at += Place(pageId, bytes, new StoredParts(stored[at..]));
        }

        int index = first;
        for (int at = 0; at < length; index++)
        {
            var parts = new StoredParts(stored[at..]);
            Settle(_blocks[index], parts);
            at += parts.Bytes;
        }

        return true;
    }

    /// <summary>The bytes to translate a page from. What does not come from those of its hash is not kept, nor anything of that page.</summary>
    private byte* SourceOf(uint pageId)
    {
        ref CodePage page = ref _pages[(int)pageId];
        byte* live = BytesOf(page.RamPage);
        if (page.Hash <= 0)
        {
            return live;
        }

        byte* copy = _copies!.Find(pageId, live);
        if (copy == null && HashOf(copy = _copies.Take(pageId, live)) != _hashes![page.Hash])
        {
            page.Hash = NoHash;
        }

        return copy;
    }

    // SAFETY: a page's bytes (StoreTests).
    private PageHash HashOf(byte* page) => _store!.Hasher.Hash(new ReadOnlySpan<byte>(page, 4096));

    // What a page holds of anything is at most a part of its bytes.
    private bool HasRoomFor(int stored) =>
        _free + (2 * stored) + (96 << 10) + (MaxVcpus * StripBytes) < _options.CodeCacheBytes && _blocks.HasRoomFor(stored)
        && _edgeCount < _edges.Length - stored && _interpretedCount < _interpreted.Length - stored && _placesLength < _places!.Length - stored;

    /// <summary>Gives a block its place and its numbers; returns its bytes in the store.</summary>
    private int Place(uint pageId, byte* bytes, in StoredParts parts)
    {
        ref readonly CodePage page = ref _pages[(int)pageId];
        StoredBlock stored = parts.Block;
        Block block = new() { Page = pageId, Offset = stored.Offset, Count = stored.Count, HasFlagsEntry = stored.HasFlagsEntry != 0 };
        BeginBlock(ref block, page.Kind == PageKind.Relative);

        // SAFETY: there is room for it, and its places lie in it (StoreTests).
        byte* code = _code.Writable + block.Start;
        parts.Code.CopyTo(new Span<byte>(code, stored.CodeBytes));
        foreach (uint place in parts.Places)
        {
            int first = CodePlace.Kind(place) switch
            {
                CodePlaceKind.EdgeNumber => _edgeCount,
                CodePlaceKind.InterpretedNumber => _interpretedCount,
                _ => 0,
            };
            Add(code + CodePlace.Offset(place), first << 8);
        }

        foreach (ref readonly StoredEdge edge in parts.Edges)
        {
            _edges[_edgeCount++] = new Edge { SourcePage = pageId, JumpPlace = block.Start + edge.Jump, IdBefore = edge.IdBefore, MissAfter = edge.MissAfter };
        }

        _planner.Reader.Open(bytes, new ModeWord(page.Mode).CodeBits);
        foreach (ushort offset in parts.Interpreted)
        {
            _ = _planner.Reader.TryDecode(offset, page.Gva + offset - new ModeWord(page.Mode).InPages(0), out _interpreted[_interpretedCount++]);
        }

        Publish(block, MemoryMarshal.Cast<uint, Note>(parts.Notes), parts.Places, stored.CodeBytes, kept: true);
        LoadedInstructions += stored.Count;
        return parts.Bytes;
    }

    /// <summary>Has a block that was placed lead to where its branches go; edges within the page, to the blocks that are there now.</summary>
    private void Settle(in Block block, in StoredParts parts)
    {
        foreach (uint place in parts.Places)
        {
            int at = block.Start + CodePlace.Offset(place);
            switch (CodePlace.Kind(place))
            {
                case CodePlaceKind.Outside:
                    int target = Unsafe.ReadUnaligned<int>(_code.Writable + at);
                    if (target < 0 && !_blocks.TryFind(block.Page, 0, ~target, out target, out _))
                    {
                        throw new UnreachableException("A kept block goes to one that is not kept.");
                    }

                    Unsafe.WriteUnaligned(_code.Writable + at, target - (at + sizeof(int)));
                    break;
                case CodePlaceKind.EdgeStub:
                    int number = at + BlockEmitter.EdgeNumberIn(parts.Code[CodePlace.Offset(place)..], out ulong rip);
                    ref Edge edge = ref _edges[(int)(Unsafe.ReadUnaligned<uint>(_code.Writable + number) >> 8)];
                    if (edge.IdBefore == 0 && _blocks.TryFind(block.Page, 0, OffsetOf(_pages[(int)block.Page], rip), out target, out _))
                    {
                        edge.TargetPage = block.Page;
                        Patch(edge.JumpPlace, _code.Executable + target);
                    }

                    break;
                default:
                    break;
            }
        }
    }

    private static void Add(byte* place, int number)
    {
        if (number != 0)
        {
            Unsafe.WriteUnaligned(place, Unsafe.ReadUnaligned<int>(place) + number);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Without the lock, which vCPUs may need at any time. What is read of blocks that were published only changes where links are, which are taken out, and when
    /// all is dropped: then what was read may be of anything, and is of no use.</remarks>
    void ICodeSource.WriteTo(StoreWriter writer)
    {
        int generation = Generation;
        long taken = Volatile.Read(ref _newInstructions);
        try
        {
            WriteTo(writer, generation, Volatile.Read(ref _published));
            _ = Interlocked.Add(ref _newInstructions, -taken);
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
        ref readonly Block block = ref _blocks[found.Block];
        var list = new NumberList(_places!, found.Places);
        StoredBlock stored = new()
        {
            CodeBytes = list.Read(), Offset = block.Offset, Edges = (ushort)list.Read(), Interpreted = (ushort)list.Read(), Count = block.Count, Notes = block.Notes,
            HasFlagsEntry = block.HasFlagsEntry ? (byte)1 : (byte)0,
        };
        int places = list.Read() - 1;
        stored.Places = (ushort)(places + (2 * stored.Edges));
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
        for (int i = 0; i < parts.Places.Length; i++)
        {
            uint next = (uint)list.Read();
            last += CodePlace.Offset(next);
            parts.Places[i] = CodePlace.Of(CodePlace.Kind(next), last);
            if (CodePlace.Kind(next) == CodePlaceKind.EdgeStub)
            {
                int number = last + BlockEmitter.EdgeNumberIn(parts.Code[last..], out _);
                parts.Places[++i] = CodePlace.Of(CodePlaceKind.EdgeNumber, number);
                parts.Places[++i] = CodePlace.Of(CodePlaceKind.Outside, number + sizeof(int) + 1);
            }
        }

        return TryFree(block, parts, found.Edge, found.Interpreted);
    }

    /// <summary>Takes out of a copy of a block's code what holds only here: links, numbers, distances.</summary>
    private bool TryFree(in Block block, in StoredParts parts, int firstEdge, int firstInterpreted)
    {
        int stub = 0;
        int left = parts.Edges.Length;
        StoredEdge edge = default;
        foreach (uint place in parts.Places)
        {
            int offset = CodePlace.Offset(place);
            Span<byte> at = parts.Code[offset..];
            int value = at.Length < sizeof(int) ? 0 : MemoryMarshal.Read<int>(at);
            switch (CodePlace.Kind(place))
            {
                case CodePlaceKind.EdgeStub:
                    stub = offset;
                    break;
                case CodePlaceKind.EdgeNumber:
                    int index = (int)((uint)value >> 8) - firstEdge;
                    if ((uint)index >= (uint)parts.Edges.Length)
                    {
                        return false;
                    }

                    edge = parts.Edges[index];
                    Write(parts, offset, value - (firstEdge << 8));
                    Write(parts, edge.Jump, stub - (edge.Jump + sizeof(int)));
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
