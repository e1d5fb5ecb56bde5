namespace Bulkhead.Translator.Cache;

/// <summary>A guest instruction of translated code.</summary>
internal struct Place
{
    /// <summary>Its RIP; of a position-independent block in its page.</summary>
    internal ulong Rip;

    /// <summary>Whether it is of a position-independent block.</summary>
    internal bool Relative;

    /// <summary>The RAM page it came from; -1 for a transient one.</summary>
    internal int RamPage;

    /// <summary>How many instructions of its block are left, itself included.</summary>
    internal int Remaining;

    /// <summary>Whether its flags are in the state while it executes.</summary>
    internal bool FlagsSaved;
}
