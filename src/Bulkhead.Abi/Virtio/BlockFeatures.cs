namespace Bulkhead.Abi.Virtio;

/// <summary>Feature bits of a block device.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.2.3 Feature bits.</remarks>
public static class BlockFeatures
{
    /// <summary>The most bytes of a piece are said.</summary>
    public const ulong SizeMaximum = 1ul << 1;

    /// <summary>The most pieces of a request are said.</summary>
    public const ulong SegmentMaximum = 1ul << 2;

    /// <summary>It may only be read.</summary>
    public const ulong ReadOnly = 1ul << 5;

    /// <summary>Its block size is said.</summary>
    public const ulong BlockSize = 1ul << 6;

    /// <summary>It can be flushed.</summary>
    public const ulong Flush = 1ul << 9;

    /// <summary>How requests are best aligned is said.</summary>
    public const ulong Topology = 1ul << 10;

    /// <summary>The driver chooses whether writes are cached.</summary>
    public const ulong ConfigurableCache = 1ul << 11;

    /// <summary>It has several queues.</summary>
    public const ulong MultiQueue = 1ul << 12;

    /// <summary>Ranges can be discarded.</summary>
    public const ulong Discard = 1ul << 13;

    /// <summary>Ranges can be zeroed.</summary>
    public const ulong WriteZeroes = 1ul << 14;
}
