namespace Bulkhead.Abi.Virtio;

/// <summary>Where a block device's configuration has what.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.2.4 Device configuration layout.</remarks>
public static class BlockConfig
{
    /// <summary>Its size in sectors of 512 bytes, 8 bytes.</summary>
    public const int Capacity = 0;

    /// <summary>The most bytes of a piece, 4 bytes.</summary>
    public const int SizeMaximum = 8;

    /// <summary>The most pieces of a request, 4 bytes.</summary>
    public const int SegmentMaximum = 12;

    /// <summary>The block size, 4 bytes.</summary>
    public const int BlockSize = 20;

    /// <summary>Blocks in a physical one, as a power of two, 1 byte.</summary>
    public const int PhysicalBlockExponent = 24;

    /// <summary>The least that is read or written well, in blocks, 2 bytes.</summary>
    public const int MinimumIo = 26;

    /// <summary>Whether writes are cached, 1 byte.</summary>
    public const int Writeback = 32;

    /// <summary>How many queues there are, 2 bytes.</summary>
    public const int QueueCount = 34;

    /// <summary>The most sectors of a range to discard, 4 bytes; then the most ranges, then their alignment in sectors.</summary>
    public const int DiscardMaximum = 36;

    /// <summary>The most sectors of a range to zero, 4 bytes; then the most ranges, then whether storage may be given back by it.</summary>
    public const int WriteZeroesMaximum = 48;

    /// <summary>All of it.</summary>
    public const int Size = 60;
}
