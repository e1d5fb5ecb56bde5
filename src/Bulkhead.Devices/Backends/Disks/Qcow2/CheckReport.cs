namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>What a check of an image found.</summary>
/// <param name="Errors">What could lose data, in words; the first hundred.</param>
/// <param name="ErrorCount">How many there were.</param>
/// <param name="LeakedClusters">Clusters that are counted more often than used: they only waste space.</param>
/// <param name="DataClusters">Clusters of the disk that stand in the file.</param>
/// <param name="AllClusters">Clusters of the disk.</param>
/// <param name="FileClusters">Clusters of the file up to the last one in use.</param>
public sealed record class CheckReport(
    IReadOnlyList<string> Errors, long ErrorCount, long LeakedClusters, long DataClusters, long AllClusters, long FileClusters);
