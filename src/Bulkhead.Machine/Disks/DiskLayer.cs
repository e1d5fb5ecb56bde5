namespace Bulkhead.Machine.Disks;

/// <summary>An image as it describes itself.</summary>
public sealed record class DiskLayer
{
    /// <summary>Its path.</summary>
    public required string File { get; init; }

    /// <summary>The name of its format.</summary>
    public required string Format { get; init; }

    /// <summary>The size its guest sees.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>What it takes on the host; 0 for a device.</summary>
    public required long HostBytes { get; init; }

    /// <summary>The unit it maps, or null.</summary>
    public int? ClusterBytes { get; init; }

    /// <summary>How its compressed clusters are packed, or null where it has none.</summary>
    public string? Compression { get; init; }

    /// <summary>What is marked in it: dirty, corrupt; null for nothing.</summary>
    public IReadOnlyList<string>? Marks { get; init; }

    /// <summary>The path of the image it is laid over, or null.</summary>
    public string? BackingFile { get; init; }

    /// <summary>The format of that as it says, or null.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>The states it keeps beside its present one; null for none.</summary>
    public IReadOnlyList<DiskState>? Snapshots { get; init; }
}
