namespace Bulkhead.Translator.Cache;

/// <summary>What belongs to a page id.</summary>
internal enum PageKind : byte
{
    /// <summary>Blocks that hold the addresses of one virtual page.</summary>
    Fixed,

    /// <summary>Position-independent blocks: for every virtual page that is this RAM page.</summary>
    Relative,

    /// <summary>For one virtual page, ways from fixed blocks to the position-independent ones.</summary>
    Gate,
}
