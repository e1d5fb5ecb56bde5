using Bulkhead.Scheduling;
using Bulkhead.Scheduling.FixedPriority;

namespace Bulkhead.Machine.Workers;

/// <summary>Preemptive fixed priorities.</summary>
internal sealed class FixedPriorityPolicy(long allowanceNs) : IPolicy
{
    private readonly FixedPriorityQueue _queue = new(allowanceNs);

    public int Add(Share share) => _queue.Add(share.Priority);

    public bool IsUrgent(Share share) => share.Priority > 0;

    public void Remove(int entry) => _queue.Remove(entry);

    public void Change(int entry, Share share) => _queue.Change(entry, share.Priority);

    public void Wake(int entry) => _queue.Wake(entry);

    public void Block(int entry, bool voluntary) => _queue.Block(entry);

    public (int Entry, long BudgetNs) Pick(long nowNs)
    {
        QueuePick pick = _queue.Pick();
        return (pick.Slot, pick.BudgetNs);
    }

    public bool MayPrecede(int entry) => _queue.IsAboveRunning(entry);

    public void Charge(long ranNs, long nowNs) => _queue.Charge(ranNs);
}
