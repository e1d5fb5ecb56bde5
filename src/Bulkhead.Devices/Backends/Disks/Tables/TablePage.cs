namespace Bulkhead.Devices.Backends.Disks.Tables;

/// <summary>A piece of an image's tables in memory.</summary>
internal sealed class TablePage(int sizeBytes)
{
    /// <summary>Where it stands in the file.</summary>
    internal long Offset { get; set; }

    /// <summary>The bytes, as in the file.</summary>
    internal byte[] Data { get; } = new byte[sizeBytes];

    /// <summary>Whether the file holds something older.</summary>
    internal bool Dirty { get; set; }

    /// <summary>Whether it is being written: it may not be changed until that is over, only replaced by a copy.</summary>
    internal bool Frozen { get; set; }

    /// <summary>Whether it was used since the hand of the clock passed.</summary>
    internal bool Used { get; set; }
}
