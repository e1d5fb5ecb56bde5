namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>What an entry of a mapping table says of a cluster.</summary>
internal enum ExtentKind : byte
{
    /// <summary>It stands in the file.</summary>
    Data,

    /// <summary>It reads as zeros.</summary>
    Zero,

    /// <summary>It is the backing disk's, or zeros without one.</summary>
    Backing,

    /// <summary>It stands in the file, compressed.</summary>
    Compressed,

    /// <summary>Nothing the format knows.</summary>
    Malformed,
}
