using Bulkhead.Scheduling;

namespace Bulkhead.Machine.Workers;

/// <summary>Borrowed Virtual Time.</summary>
internal sealed class BvtPolicy(long allowanceNs) : IPolicy, IMovingPolicy
{
    private readonly BvtQueue _queue = new(allowanceNs);

    internal long AllowanceNs => _queue.AllowanceNs;

    /// <summary>Whether its warp applies.</summary>
    internal bool IsWarped(int entry, long nowNs) => _queue.IsWarped(entry, nowNs);

    public int Add(Share share) => _queue.Add(share.Parameters);

    public bool IsUrgent(Share share) => share.WarpNs > 0;

    public void Remove(int entry) => _queue.Remove(entry);

    public void Change(int entry, Share share) => _queue.Change(entry, share.Parameters);

    public void Wake(int entry) => _queue.Wake(entry);

    public void Block(int entry, bool voluntary) => _queue.Block(entry, voluntary ? BlockKind.Voluntary : BlockKind.Involuntary);

    public (int Entry, long BudgetNs) Pick(long nowNs)
    {
        QueuePick pick = _queue.Pick(nowNs);
        return (pick.Slot, pick.BudgetNs);
    }

    public void Charge(long ranNs, long nowNs) => _queue.Charge(ranNs, nowNs);

    public void Reserve(int vcpus) => _queue.Reserve(vcpus);

    public BvtMigrant Detach(int entry) => _queue.Detach(entry);

    public int Attach(in BvtMigrant migrant) => _queue.Attach(migrant);
}
