using Bulkhead.Translator.Emit;

namespace Bulkhead.Translator.Cache;

/// <summary>One translated block: what it is of, and where its host code and its notes are.</summary>
internal struct Block
{
    /// <summary>First byte in the code cache, at a multiple of 16.</summary>
    internal int Start;

    /// <summary>Index of its first note.</summary>
    internal int FirstNote;

    /// <summary>The page it begins in.</summary>
    internal uint Page;

    /// <summary>The page its only instruction ends in, where that is another; else 0.</summary>
    internal uint SecondPage;

    private ushort _place;

    /// <summary>How many instructions.</summary>
    internal byte Count;

    /// <summary>How many notes: one for each instruction, then one for each that stands out of line again.</summary>
    internal byte Notes;

    /// <summary>Where in the page it begins.</summary>
    internal ushort Offset
    {
        readonly get => (ushort)(_place & 0xFFF);
        set => _place = (ushort)((_place & 0xF000) | value);
    }

    /// <summary>How it is entered with flags in the state.</summary>
    internal FlagsEntry FlagsEntry
    {
        readonly get => (FlagsEntry)(_place >> 12);
        set => _place = (ushort)((_place & 0xFFF) | ((int)value << 12));
    }
}
