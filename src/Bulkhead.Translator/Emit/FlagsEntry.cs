namespace Bulkhead.Translator.Emit;

/// <summary>How a block that may show the flags of before is entered with them in the state.</summary>
internal enum FlagsEntry : byte
{
    /// <summary>As with the flags in the host: it shows none.</summary>
    None,

    /// <summary>By code before it that restores them.</summary>
    Restores,

    /// <summary>Behind its first instructions, which save them: it has other uses for the host's first.</summary>
    Saves,
}
