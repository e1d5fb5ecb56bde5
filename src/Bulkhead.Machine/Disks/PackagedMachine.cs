namespace Bulkhead.Machine.Disks;

/// <summary>The machine that a package describes.</summary>
public sealed record class PackagedMachine(string Name, int Cpus, long MemoryBytes, IReadOnlyList<PackagedDisk> Disks);
