namespace Bulkhead.Scheduling.FixedPriority;

/// <summary>One vCPU's state in a <see cref="FixedPriorityQueue"/>.</summary>
internal struct FixedPriorityEntry
{
    public int Priority;
    public RingPlace Place;
    public long RanNs;
    public bool Runnable;
}
