namespace Bulkhead.Translator.Cache;

/// <summary>A direct jump that can be linked to its target block.</summary>
internal struct Edge
{
    /// <summary>Place of the rel32 in the code cache.</summary>
    internal int JumpPlace;

    /// <summary>The page the jump is in.</summary>
    internal uint SourcePage;

    /// <summary>The page it is linked to; 0 where it is not.</summary>
    internal uint TargetPage;

    /// <summary>How far before the rel32 the page id stands that is compared before the jump; 0 where source and target share a page.</summary>
    internal ushort IdBefore;

    /// <summary>Of an edge to another page: how far behind the rel32 that of the call stands that leaves to be linked; of one that also leads to
    /// another page than it is linked to, it looks in the jump cache. Else 0, or <see cref="Saved"/>.</summary>
    internal ushort MissAfter;

    /// <summary>What stands for <see cref="MissAfter"/> of an edge within a page whose jump leaves the flags in the state.</summary>
    internal const ushort Saved = ushort.MaxValue;

    /// <summary>Whether its target is entered with the flags in the state.</summary>
    internal readonly bool FlagsSaved => IdBefore != 0 || MissAfter == Saved;
}
