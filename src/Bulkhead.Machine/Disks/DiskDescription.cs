namespace Bulkhead.Machine.Disks;

/// <summary>What a file with a disk, or a package with a machine, says of itself.</summary>
public sealed record class DiskDescription
{
    /// <summary>The image, then what it is laid over, in order; empty for a package.</summary>
    public IReadOnlyList<DiskLayer> Layers { get; init; } = [];

    /// <summary>The machine of a package (OVA), or null.</summary>
    public PackagedMachine? Machine { get; init; }
}
