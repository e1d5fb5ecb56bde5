using Bulkhead.Scheduling;

namespace Bulkhead.Machine.Workers;

/// <summary>The pCPU belongs to one vCPU.</summary>
internal sealed class NullPolicy : IPolicy
{
    private readonly OwnerQueue _queue = new();

    public int Add(Share share) => _queue.Add();

    public bool IsUrgent(Share share) => true;

    public void Remove(int entry) => _queue.Remove();

    public void Change(int entry, Share share)
    {
    }

    public void Wake(int entry) => _queue.Set(runnable: true);

    public void Block(int entry, bool voluntary) => _queue.Set(runnable: false);

    public (int Entry, long BudgetNs) Pick(long nowNs)
    {
        QueuePick pick = _queue.Pick();
        return (pick.Slot, pick.BudgetNs);
    }

    public void Charge(long ranNs, long nowNs)
    {
    }
}
