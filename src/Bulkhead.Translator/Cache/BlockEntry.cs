namespace Bulkhead.Translator.Cache;

/// <summary>Where a block is entered, as executable addresses; null for no block.</summary>
/// <param name="direct">With the guest's flags in the host's.</param>
/// <param name="linked">With the guest's flags in the state, or nowhere where the block reads none.</param>
/// <param name="indirect">The same with the RIP in r10, from which a position-independent block takes where its page stands.</param>
internal readonly unsafe struct BlockEntry(byte* direct, byte* linked, byte* indirect)
{
    /// <summary>Where chained jumps of the same page go with the flags in the host.</summary>
    internal byte* Direct { get; } = direct;

    /// <summary>Where chained jumps of other pages go, and of the same page that leave the flags in the state.</summary>
    internal byte* Linked { get; } = linked;

    /// <summary>Where the jump cache leads.</summary>
    internal byte* Indirect { get; } = indirect;
}
