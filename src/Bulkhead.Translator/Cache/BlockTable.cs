using Bulkhead.Host.Memory;
using Bulkhead.Translator.Emit;

namespace Bulkhead.Translator.Cache;

/// <summary>The blocks of a code cache in the order of their host code, found by guest address or by host address, and notes of
/// their instructions.</summary>
/// <remarks>
/// <para><i>Threading</i>: under the code space's lock; but a host address may be looked up without it, by one who keeps all blocks
/// from being dropped, or who looks afterwards whether they were: what is there stays as it is, and more is only added behind it.</para>
/// <para><i>Cost</i>: 20 bytes a block, two or three a note, taken from the host as they are used, and 8 for each 1024 bytes of the cache, or for 512 or 256.</para>
/// </remarks>
internal sealed class BlockTable(int cacheBytes) : IDisposable
{
    /// <summary>The most instructions of a block.</summary>
    internal const int MaxInstructions = 64;

    /// <summary>The most notes of a block.</summary>
    internal const int MaxNotes = 2 * MaxInstructions;

    private readonly ReservedArray<Block> _blocks = new(cacheBytes / 16);
    private readonly ReservedArray<byte> _notes = new(cacheBytes);

    // By guest address, each where it is looked for first or in the next free place: what is mostly asked for costs one access to memory.
    // Most have no more than fit in a part of it, which is all that is used then.
    private readonly ReservedArray<ulong> _index = new((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)cacheBytes / 256));
    private int _used = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)cacheBytes / 1024);
    private int _count;
    private int _noteBytes;

    /// <summary>Whether one more block of any size fits.</summary>
    internal bool HasRoom => _count < _index.Length / 8 * 7 && _noteBytes <= _notes.Length - (MaxNotes * MaxNoteBytes);

    /// <summary>Whether blocks still fit that take so many bytes where they are kept.</summary>
    internal bool HasRoomFor(int stored) => _count + (stored / 32) < _index.Length / 8 * 7 && _noteBytes + (2 * stored) <= _notes.Length;

    /// <summary>How many there are.</summary>
    internal int Count => _count;

    /// <summary>A block.</summary>
    internal ref readonly Block this[int index] => ref _blocks[index];

    /// <summary>Finds the block that begins at an offset of a page: where its host code begins, and how it is entered with flags in the state.</summary>
    internal bool TryFind(uint page, uint secondPage, int offset, out int start, out FlagsEntry flags)
    {
        ulong key = KeyOf(page, secondPage, offset);
        int mask = _used - 1;
        for (int i = FirstPlace(page, offset) & mask; _index[i] != 0; i = (i + 1) & mask)
        {
            ulong found = _index[i];
            start = (int)(found >> StartShift & (MostCacheBytes / 16 - 1)) * 16;
            if ((found & KeyMask) == key && (secondPage == 0 || (TryFindHost(start, out int block) && _blocks[block].SecondPage == secondPage)))
            {
                flags = (FlagsEntry)(found >> FlagsShift);
                return true;
            }
        }

        start = 0;
        flags = default;
        return false;
    }

    /// <summary>Finds the block whose host code holds an offset of the cache (or ends before it, where no other begins).</summary>
    internal bool TryFindHost(int offset, out int index)
    {
        int low = 0;
        int high = Volatile.Read(ref _count) - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            if (offset < _blocks[middle].Start)
            {
                high = middle - 1;
            }
            else
            {
                low = middle + 1;
            }
        }

        index = high;
        return high >= 0;
    }

    /// <summary>Reads the notes of a block.</summary>
    internal void ReadNotes(in Block block, Span<Note> into)
    {
        var list = new NumberList(_notes, block.FirstNote);
        Note note = default;
        for (int i = 0; i < block.Notes; i++)
        {
            int host = list.Read();
            note = new Note(note.HostOffset + (host >> 1), note.GuestOffset + list.ReadSigned(), (host & 1) != 0);
            into[i] = note;
        }
    }

    /// <summary>Adds a block whose host code is behind that of all others.</summary>
    internal void Add(Block block, ReadOnlySpan<Note> notes)
    {
        block.FirstNote = _noteBytes;
        block.Notes = (byte)notes.Length;
        _noteBytes = AddNotes(notes);
        _blocks[_count] = block;
        Volatile.Write(ref _count, _count + 1);
        if (_count > _used / 8 * 7 && _used < _index.Length)
        {
            _index.Clear();
            _used *= 2;
            for (int i = 0; i < _count - 1; i++)
            {
                Index(_blocks[i]);
            }
        }

        Index(block);
    }

    private void Index(in Block block)
    {
        int mask = _used - 1;
        int place = FirstPlace(block.Page, block.Offset) & mask;
        while (_index[place] != 0)
        {
            place = (place + 1) & mask;
        }

        _index[place] = KeyOf(block.Page, block.SecondPage, block.Offset) | ((ulong)block.Start / 16 << StartShift) | ((ulong)block.FlagsEntry << FlagsShift);
    }

    // Each as its distances from the one before.
    private int AddNotes(ReadOnlySpan<Note> notes)
    {
        var list = new NumberList(_notes, _noteBytes);
        Note last = default;
        foreach (Note note in notes)
        {
            list.Add(((note.HostOffset - last.HostOffset) << 1) | (note.FlagsSaved ? 1 : 0));
            list.AddSigned(note.GuestOffset - last.GuestOffset);
            last = note;
        }

        return list.At;
    }

    /// <summary>Forgets all.</summary>
    internal void Clear()
    {
        _count = 0;
        _noteBytes = 0;
        _blocks.Clear();
        _notes.Clear();
        _index.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _blocks.Dispose();
        _notes.Dispose();
        _index.Dispose();
    }

    /// <summary>The most bytes of a cache.</summary>
    internal const int MostCacheBytes = 1 << 30;

    private const int MaxNoteBytes = 10;
    private const int StartShift = 33;
    private const int FlagsShift = 62;
    private const ulong KeyMask = (1ul << StartShift) - 1;

    // A page, an offset in it, and whether the block ends in another page. No page has number 0.
    private static ulong KeyOf(uint page, uint secondPage, int offset) => ((ulong)page << 13) | ((ulong)(uint)offset << 1) | (secondPage != 0 ? 1ul : 0);

    // Neighbours stand side by side: whoever reads a block asks for each of its instructions in turn.
    private static int FirstPlace(uint page, int offset) => (int)((page * 0x9E37_79B9_7F4A_7C15ul) >> 32) + offset;
}
