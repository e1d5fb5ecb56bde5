namespace Bulkhead.Scheduling.Arinc653;

/// <summary>One vCPU's state in a <see cref="PartitionQueue"/>.</summary>
internal struct PartitionEntry
{
    public int Partition;
    public RingPlace Place;
    public long RanNs;
    public bool Runnable;
}
