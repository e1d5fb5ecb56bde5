namespace Bulkhead.Machine.Disks;

/// <summary>A state of a disk that its image keeps.</summary>
public sealed record class DiskState(string Id, string Name, long SizeBytes, DateTimeOffset Taken);
