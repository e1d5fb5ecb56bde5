namespace Bulkhead.Devices.Backends.Disks.Opening;

/// <summary>What an image says of itself.</summary>
/// <param name="File">Its path.</param>
/// <param name="Format">How it is laid out.</param>
/// <param name="SizeBytes">The size its guest sees.</param>
/// <param name="HostBytes">What it takes on the host; 0 for a device.</param>
/// <param name="ClusterBytes">The unit it maps, or null.</param>
/// <param name="Compression">How its compressed clusters are packed, or null where it can have none.</param>
/// <param name="Marks">What is marked in it: dirty, corrupt.</param>
/// <param name="BackingFile">The path of what it is laid over, or null.</param>
/// <param name="BackingFormat">The format of that as the image says, or null.</param>
/// <param name="Snapshots">The states it keeps beside its present one.</param>
public sealed record class DiskInfo(
    string File,
    DiskFormat Format,
    long SizeBytes,
    long HostBytes,
    int? ClusterBytes,
    string? Compression,
    IReadOnlyList<string> Marks,
    string? BackingFile,
    string? BackingFormat,
    IReadOnlyList<DiskSnapshot> Snapshots);
