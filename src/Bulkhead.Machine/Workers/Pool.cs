using Bulkhead.Machine.Domains;
using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Machine.Workers;

/// <summary>The workers of a pool, and the vCPUs dealt to them.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class Pool(IReadOnlyList<PcpuWorker> workers)
{
    private readonly Dealer _dealer = new(workers.Count);
    private readonly List<Placement> _placements = [];
    private PoolBalance? _balance;
    private bool _moves = workers[0].Policy is IMovingPolicy;

    /// <summary>One for each host CPU.</summary>
    internal IReadOnlyList<PcpuWorker> Workers => workers;

    /// <summary>Places every vCPU of a domain; before the workers start.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="share">What each of its vCPUs is entitled to.</param>
    /// <param name="cpus">The numbers of the pool's CPUs they may be on; empty for any.</param>
    internal void Place(Domain domain, Share share, IReadOnlyList<int> cpus)
    {
        bool[]? pins = cpus.Count == 0 ? null : [.. Enumerable.Range(0, workers.Count).Select(cpus.Contains)];
        foreach (VcpuSlot slot in domain.Slots)
        {
            _placements.Add(workers[_dealer.Next(cpus)].Place(slot, share, pins));
        }
    }

    /// <summary>When all are placed: lets them move, where there are several CPUs and the policy is one that moves.</summary>
    internal void Connect()
    {
        if (workers.Count == 1)
        {
            return;
        }

        _balance = new PoolBalance(workers, _placements);
        for (int i = 0; i < workers.Count; i++)
        {
            workers[i].Join(_balance, i);
        }

        Permit();
    }

    /// <summary>Where the vCPUs of a domain are, if they are in this pool.</summary>
    internal IEnumerable<Placement> PlacementsOf(Domain domain) => _placements.Where(p => p.Slot.Domain == domain);

    /// <summary>Changes what each vCPU of a domain is entitled to.</summary>
    internal void Change(Domain domain, Share share)
    {
        bool here = false;
        foreach (Placement placement in PlacementsOf(domain))
        {
            placement.Change(share);
            here = true;
        }

        if (here)
        {
            Permit();
        }
    }

    /// <summary>Has every worker take another policy, between two turns, with these shares.</summary>
    internal void Change(Func<IPolicy> create, Func<Domain, Share> shareOf)
    {
        // Shares first: who is on its way from one worker to another meanwhile has its own with it.
        _placements.ForEach(placement => placement.Change(shareOf(placement.Slot.Domain)));
        _moves = create() is IMovingPolicy;
        foreach (PcpuWorker worker in workers)
        {
            IPolicy policy = create();
            worker.Post(() => worker.ChangePolicy(policy));
        }

        Permit();
    }

    private void Permit() => _balance?.Permit(_moves);
}
