namespace Bulkhead.Translator.Cache;

/// <summary>A page of guest code as seen in one mode, at one virtual address or at any: what a chained jump may trust.</summary>
internal struct CodePage
{
    /// <summary>The guest virtual page address (instruction pointers, not linear addresses, count: <see cref="Decode.ModeWord.InPages"/>); 0 of a page at any.</summary>
    internal ulong Gva;

    /// <summary>The mode word.</summary>
    internal ulong Mode;

    /// <summary>A bit for each 64 bytes of it in which a block begins.</summary>
    internal ulong Starts;

    /// <summary>The RAM page.</summary>
    internal int RamPage;

    /// <summary>The next page id over the same RAM page, or 0.</summary>
    internal uint Next;

    /// <summary>The next page id in its row of the index, or 0.</summary>
    internal uint NextInRow;

    /// <summary>The number of its bytes' hash; 0 as long as the store was not asked for it, below 0 where it is not kept.</summary>
    internal int Hash;

    /// <summary>What belongs to it.</summary>
    internal PageKind Kind;

    /// <summary>Of a page that is dead: whether each vCPU has left translated code since.</summary>
    internal bool Left;

    /// <summary>Whether a slot of a code TLB ever held it; most position-independent pages stand at one address, and are in none.</summary>
    internal bool InSlots;

    /// <summary>Whether blocks may still be entered through it.</summary>
    internal bool Alive;
}
