using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Store;

namespace Bulkhead.Translator.Cache;

/// <content>Translations that are kept: what a page's bytes were translated to before is taken from the store, all of it at once.</content>
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
        if (store is null || _options.Verify)
        {
            return;
        }

        _places = new ReservedArray<byte>(_options.CodeCacheBytes / 8);
        _hashes = new ReservedArray<PageHash>(MaxPages + 1);
        _stored = new ReservedArray<byte>(StoreWriter.MostPageBytes);
        _copies = new PageCopies();
        _store = store.TryJoin(this, (ulong)Thunks.Bytes) ? store : null;
    }

    /// <inheritdoc/>
    void ICodeSource.Release() => Free();

    /// <inheritdoc/>
    void ICodeSource.NoteKept(long instructions) => Interlocked.Add(ref _newInstructions, -instructions);

    /// <summary>Asks for what was translated to be kept while there still is room for more: when it is full, all is dropped.</summary>
    private void AskToKeep()
    {
        if (!_asked && _store is not null && _free > _options.CodeCacheBytes / 4 * 3)
        {
            _asked = true;
            _store.Ask();
        }
    }

    private bool HasRoomForPlaces => _store is null || _placesLength < _places!.Length - (1 << 16);

    private void ForgetPlaces()
    {
        _placesLength = 0;
        _hashCount = 0;
        _publishedEdges = 0;
        _publishedInterpreted = MaxVcpus;
        _asked = false;
    }

    /// <summary>Notes what <see cref="ICodeSource.WriteTo"/> has to know of a block that was published; of one that was kept, where the next begins.</summary>
    private void NotePlaces(ReadOnlySpan<uint> places, int codeBytes, bool kept)
    {
        if (_store is null)
        {
            return;
        }

        var writer = new NumberList(_places!, _placesLength);
        writer.Add(codeBytes);
        writer.Add(_edgeCount - _publishedEdges);
        writer.Add(_interpretedCount - _publishedInterpreted);
        writer.Add(kept ? 0 : places.Length + 1);
        int last = 0;
        foreach (uint place in kept ? [] : places)
        {
            int offset = CodePlace.Offset(place);
            writer.Add((int)CodePlace.Of(CodePlace.Kind(place), offset - last));
            last = offset;
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
        Block block = new() { Page = pageId, Offset = stored.Offset, Count = stored.Count, FlagsEntry = (FlagsEntry)stored.FlagsEntry };
        BeginBlock(ref block, page.Kind == PageKind.Relative);

        // SAFETY: there is room for it, and its places lie in it (StoreTests).
        byte* code = _code.Writable + block.Start;
        parts.Code.CopyTo(new Span<byte>(code, stored.CodeBytes));
        foreach (uint place in parts.Places)
        {
            int offset = CodePlace.Offset(place);
            switch (CodePlace.Kind(place))
            {
                case CodePlaceKind.EdgeStub:
                    Add(code + offset + BlockEmitter.EdgeNumberIn(parts.Code[offset..], out _), _edgeCount << 8);
                    break;
                case CodePlaceKind.InterpretedNumber:
                    Add(code + offset, _interpretedCount << 8);
                    break;
                default:
                    break; // when all blocks are there
            }
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
                    if (edge.IdBefore == 0 && _blocks.TryFind(block.Page, 0, OffsetOf(_pages[(int)block.Page], rip), out target, out FlagsEntry flags))
                    {
                        edge.TargetPage = block.Page;
                        Patch(edge.JumpPlace, EntryFor(edge, EntryOf(target, flags, _pages[(int)block.Page].Kind)));
                    }

                    break;
                default:
                    break;
            }
        }
    }

    private static void Add(byte* place, int number) => Unsafe.WriteUnaligned(place, Unsafe.ReadUnaligned<int>(place) + number);
}
