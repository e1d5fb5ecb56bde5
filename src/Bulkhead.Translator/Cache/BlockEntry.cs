namespace Bulkhead.Translator.Cache;

/// <summary>Where a block is entered, as executable addresses; null for no block.</summary>
/// <param name="direct">With the guest's flags in the host's.</param>
/// <param name="indirect">With the guest's flags in the state, or nowhere where the block reads none.</param>
internal readonly unsafe struct BlockEntry(byte* direct, byte* indirect)
{
    /// <summary>Where chained jumps go.</summary>
    internal byte* Direct { get; } = direct;

    /// <summary>Where the jump cache leads.</summary>
    internal byte* Indirect { get; } = indirect;
}
