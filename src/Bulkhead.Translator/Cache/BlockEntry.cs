namespace Bulkhead.Translator.Cache;

/// <summary>Where a block is entered, as executable addresses; null for no block.</summary>
/// <param name="direct">With the guest's flags in the host's.</param>
/// <param name="indirect">From other pages: with the guest's flags in the state, or nowhere where the block reads none.</param>
internal readonly unsafe struct BlockEntry(byte* direct, byte* indirect)
{
    /// <summary>Where chained jumps of the same page go.</summary>
    internal byte* Direct { get; } = direct;

    /// <summary>Where the jump cache leads, and chained jumps of other pages.</summary>
    internal byte* Indirect { get; } = indirect;
}
