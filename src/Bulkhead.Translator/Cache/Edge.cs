namespace Bulkhead.Translator.Cache;

/// <summary>A direct jump that can be linked to its target block.</summary>
internal struct Edge
{
    /// <summary>Place of the rel32 in the code cache.</summary>
    internal int JumpPlace;

    /// <summary>Place of the page id compared before the jump, or -1 when source and target share a page.</summary>
    internal int IdPlace;

    /// <summary>Of an edge to another page: place of the rel32 of the call that leaves to be linked; of one that also leads to another
    /// page than it is linked to, it looks in the jump cache. Else 0.</summary>
    internal int MissPlace;

    /// <summary>The page the jump is in.</summary>
    internal uint SourcePage;

    /// <summary>The page it is linked to; 0 where it is not.</summary>
    internal uint TargetPage;
}
