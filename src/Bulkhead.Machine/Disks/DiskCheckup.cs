namespace Bulkhead.Machine.Disks;

/// <summary>What a check of an image found.</summary>
/// <param name="Errors">How much could lose data.</param>
/// <param name="LeakedClusters">Clusters that only waste space.</param>
/// <param name="DataClusters">Clusters of the disk that stand in the file.</param>
/// <param name="AllClusters">Clusters of the disk.</param>
/// <param name="Messages">The errors in words, the first hundred.</param>
public sealed record class DiskCheckup(long Errors, long LeakedClusters, long DataClusters, long AllClusters, IReadOnlyList<string> Messages);
