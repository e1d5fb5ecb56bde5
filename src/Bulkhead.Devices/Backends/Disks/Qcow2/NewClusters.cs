namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>Clusters that were taken for a write and are being filled: nothing refers to them yet.</summary>
/// <param name="FirstCluster">The first cluster of the disk.</param>
/// <param name="Count">How many; 0 where the write has to look again.</param>
/// <param name="HostCluster">The first cluster of the file.</param>
/// <param name="Fresh">Whether the file ends before them, so that what is not written reads as zeros.</param>
/// <param name="Reused">Whether the cluster was the disk's before, and read as zeros.</param>
/// <param name="First">What the first cluster was before.</param>
/// <param name="Last">What the last cluster was before.</param>
internal readonly record struct NewClusters(long FirstCluster, int Count, long HostCluster, bool Fresh, bool Reused, MapEntry First, MapEntry Last);
