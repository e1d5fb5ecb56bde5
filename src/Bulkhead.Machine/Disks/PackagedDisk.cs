namespace Bulkhead.Machine.Disks;

/// <summary>A disk in a package.</summary>
public sealed record class PackagedDisk(string File, long SizeBytes);
