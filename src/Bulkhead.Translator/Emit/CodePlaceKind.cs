namespace Bulkhead.Translator.Emit;

/// <summary>What of a block's code depends on where the block stands, or on the blocks before it.</summary>
internal enum CodePlaceKind
{
    /// <summary>The rel32 of a branch to a thunk, or to another block of the page.</summary>
    Outside,

    /// <summary>An <see cref="ExitWord"/> with the number of an interpreted instruction.</summary>
    InterpretedNumber,

    /// <summary>Where an edge's jump goes until it is linked; the edge's number is in it (<see cref="BlockEmitter.EdgeNumberIn"/>).</summary>
    EdgeStub,
}
