using Bulkhead.Host.Memory;

namespace Bulkhead.Translator.Cache;

/// <summary>The blocks of a code cache in the order of their host code, found by guest address or by host address, and notes of
/// their instructions.</summary>
/// <remarks>
/// <para><i>Threading</i>: under the code space's lock; but a host address may be looked up without it, by one who keeps all blocks
/// from being dropped: what is there stays as it is, and more is only added behind it.</para>
/// <para><i>Cost</i>: 24 bytes a block, 4 a note, taken from the host as they are used.</para>
/// </remarks>
internal sealed class BlockTable(int cacheBytes) : IDisposable
{
    /// <summary>The most instructions of a block.</summary>
    internal const int MaxInstructions = 64;

    /// <summary>The most notes of a block.</summary>
    internal const int MaxNotes = 2 * MaxInstructions;

    private readonly ReservedArray<Block> _blocks = new(cacheBytes / 16);
    private readonly ReservedArray<uint> _notes = new(cacheBytes / 4);
    private readonly ReservedArray<int> _rows = new((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)cacheBytes / 256));
    private int _count;
    private int _noteCount;

    /// <summary>Whether one more block of any size fits.</summary>
    internal bool HasRoom => _count < _blocks.Length && _noteCount <= _notes.Length - MaxNotes;

    /// <summary>A block.</summary>
    internal ref readonly Block this[int index] => ref _blocks[index];

    /// <summary>Finds the block that begins at an offset of a page.</summary>
    internal bool TryFind(uint page, uint secondPage, int offset, out int index)
    {
        index = _rows[Row(page, offset)] - 1;
        while (index >= 0)
        {
            ref Block b = ref _blocks[index];
            if (b.Page == page && b.Offset == offset && b.SecondPage == secondPage)
            {
                return true;
            }

            index = b.Next - 1;
        }

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

    /// <summary>The notes of a block.</summary>
    internal ReadOnlySpan<uint> NotesOf(in Block block) => _notes.Slice(block.FirstNote, block.Notes);

    /// <summary>Adds a block whose host code is behind that of all others.</summary>
    internal void Add(Block block, ReadOnlySpan<uint> notes)
    {
        ref int row = ref _rows[Row(block.Page, block.Offset)];
        block.FirstNote = _noteCount;
        block.Notes = (byte)notes.Length;
        block.Next = row;
        notes.CopyTo(_notes.Slice(_noteCount, notes.Length));
        _noteCount += notes.Length;
        _blocks[_count] = block;
        Volatile.Write(ref _count, _count + 1);
        row = _count;
    }

    /// <summary>Forgets all.</summary>
    internal void Clear()
    {
        _count = 0;
        _noteCount = 0;
        _blocks.Clear();
        _notes.Clear();
        _rows.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _blocks.Dispose();
        _notes.Dispose();
        _rows.Dispose();
    }

    // Neighbours stand side by side: whoever reads a block asks for each of its instructions in turn.
    private int Row(uint page, int offset) => ((int)((page * 0x9E37_79B9_7F4A_7C15ul) >> 32) + offset) & (_rows.Length - 1);
}
