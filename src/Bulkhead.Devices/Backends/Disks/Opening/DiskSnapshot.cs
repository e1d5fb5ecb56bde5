namespace Bulkhead.Devices.Backends.Disks.Opening;

/// <summary>A state of a disk that its image keeps.</summary>
public sealed record class DiskSnapshot(string Id, string Name, long SizeBytes, DateTimeOffset Taken);
