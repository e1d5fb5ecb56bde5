namespace Bulkhead.Translator.Cache;

/// <summary>Of an instruction in a block: where its host code begins, and where the flags are should it fault, in 32 bits.</summary>
internal readonly record struct Note(uint Word)
{
    /// <summary>Puts it together.</summary>
    internal Note(int hostOffset, int guestOffset, bool flagsSaved)
        : this(((uint)hostOffset << 13) | ((uint)guestOffset << 1) | (flagsSaved ? 1u : 0u))
    {
    }

    /// <summary>How far from the block's start in host code.</summary>
    internal int HostOffset => (int)(Word >> 13);

    /// <summary>How far from the block's start in guest code.</summary>
    internal int GuestOffset => (int)(Word >> 1) & 0xFFF;

    /// <summary>Whether the flags are in the state.</summary>
    internal bool FlagsSaved => (Word & 1) != 0;
}
