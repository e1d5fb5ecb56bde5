namespace Bulkhead.Devices.Backends.Disks.Blocks;

/// <summary>How a format maps the blocks of a disk by a table of 32-bit numbers.</summary>
/// <remarks><i>Threading</i>: under the disk's lock, but for <see cref="MirrorOf"/> and <see cref="WriteHeader"/>.</remarks>
internal interface IBlockMap
{
    /// <summary>Bytes of a block; a power of two.</summary>
    int BlockBytes { get; }

    /// <summary>Where a block's entry stands in the file; 0 where there is none, so that it reads as zeros.</summary>
    long EntryOffset(long block);

    /// <summary>Finds where an entry's block stands: 0 for zeros; false where the entry is malformed.</summary>
    bool TryLocate(uint entry, long fileBytes, out long offset);

    /// <summary>Takes a place for another block, and the entry that names it; <see cref="DiskResult.NoSpace"/> where the format ends.</summary>
    DiskResult Take(long fileBytes, out long offset, out uint entry);

    /// <summary>An entry names a place that was taken.</summary>
    void Added();

    /// <summary>Where a page of the table is kept a second time; 0 for nowhere.</summary>
    long MirrorOf(long pageOffset);

    /// <summary>Writes what the header says of the table, behind the table.</summary>
    DiskResult WriteHeader(IImageFile file);
}
