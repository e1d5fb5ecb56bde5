namespace Bulkhead.Scheduling.Arinc653;

/// <summary>A part of the major frame in which one partition has the pCPU.</summary>
/// <param name="Partition">The partition's number, at least 0.</param>
/// <param name="OffsetNs">From the frame's start.</param>
/// <param name="LengthNs">At least 1.</param>
public readonly record struct PartitionWindow(int Partition, long OffsetNs, long LengthNs)
{
    /// <summary>Where it ends, from the frame's start.</summary>
    public long EndNs => OffsetNs + LengthNs;
}
