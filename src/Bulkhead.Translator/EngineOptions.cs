namespace Bulkhead.Translator;

/// <summary>Switches of the translator, fixed when a domain is built, so that tests can compare with and without each.</summary>
public sealed record EngineOptions
{
    /// <summary>The defaults.</summary>
    public static EngineOptions Default { get; } = new();

    /// <summary>Direct jumps between blocks go straight from one to the other.</summary>
    public bool Chain { get; init; } = true;

    /// <summary>Indirect jumps look in a table in emitted code before they ask C#.</summary>
    public bool JumpCache { get; init; } = true;

    /// <summary>CALL and RET use a host return stack.</summary>
    public bool ReturnStack { get; init; } = true;

    /// <summary>Flag liveness looks into the successors within the page.</summary>
    public bool FlagLookahead { get; init; } = true;

    /// <summary>Flags are exact in the frame of a fault, even where the next instructions overwrite them.</summary>
    public bool ExactFaultFlags { get; init; }

    /// <summary>Hot system instructions (CLI, PUSHF, RDTSC, ...) are emitted instead of interpreted.</summary>
    public bool InlineSystem { get; init; } = true;

    /// <summary>The most instructions in one block.</summary>
    public int MaxBlockInstructions { get; init; } = 64;

    /// <summary>Bytes of translated code kept; when full, everything is dropped.</summary>
    public int CodeCacheBytes { get; init; } = 32 << 20;
}
