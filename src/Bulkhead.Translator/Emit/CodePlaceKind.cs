namespace Bulkhead.Translator.Emit;

/// <summary>What of a block's code depends on where the block stands, or on the blocks before it.</summary>
internal enum CodePlaceKind
{
    /// <summary>The rel32 of a branch to a thunk, or to another block of the page.</summary>
    Outside,

    /// <summary>An <see cref="ExitWord"/> with the number of an edge.</summary>
    EdgeNumber,

    /// <summary>An <see cref="ExitWord"/> with the number of an interpreted instruction.</summary>
    InterpretedNumber,

    /// <summary>Where the jump goes, until it is linked, of the edge whose number is next.</summary>
    EdgeStub,
}
