using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Edf;

namespace Bulkhead.Machine.Workers;

/// <summary>Reservations, earliest deadline first.</summary>
internal sealed class EdfPolicy(long allowanceNs) : IPolicy
{
    private readonly EdfQueue _queue = new(allowanceNs);

    public int Add(Share share) => _queue.Add(share.EdfParameters);

    public bool IsUrgent(Share share) => share.Reservation is not null;

    public void Remove(int entry) => _queue.Remove(entry);

    public void Change(int entry, Share share) => _queue.Change(entry, share.EdfParameters);

    public void Wake(int entry) => _queue.Wake(entry);

    public void Block(int entry, bool voluntary) => _queue.Block(entry);

    public (int Entry, long BudgetNs) Pick(long nowNs)
    {
        QueuePick pick = _queue.Pick(nowNs);
        return (pick.Slot, pick.BudgetNs);
    }

    public long ClosedNs(int entry, long fromNs, long toNs) => _queue.UnfundedNs(entry, fromNs, toNs);

    public void Charge(long ranNs, long nowNs) => _queue.Charge(ranNs, nowNs);
}
