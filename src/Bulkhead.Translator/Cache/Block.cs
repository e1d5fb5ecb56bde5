namespace Bulkhead.Translator.Cache;

/// <summary>One translated block: where its host code and its notes are.</summary>
internal struct Block
{
    /// <summary>First byte in the code cache.</summary>
    internal int Start;

    /// <summary>One past the last byte.</summary>
    internal int End;

    /// <summary>Guest RIP of its first instruction.</summary>
    internal ulong Rip;

    /// <summary>Index of its first note.</summary>
    internal int FirstNote;

    /// <summary>How many instructions.</summary>
    internal int Count;

    /// <summary>RAM page its bytes came from.</summary>
    internal int RamPage;
}
