using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tracing;
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

    /// <summary>Changes what each vCPU of a domain is entitled to, if it is in this pool.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="share">What each of its vCPUs is entitled to.</param>
    /// <param name="era">What the schedule guarantees from then on.</param>
    internal void Change(Domain domain, Share share, ScheduleEra? era = null)
    {
        Placement[] changed = [.. PlacementsOf(domain)];
        if (changed.Length == 0)
        {
            return;
        }

        Announce(era);
        Array.ForEach(changed, placement => placement.Change(share));
        Permit();
        BeginWhenConfirmed(era);
    }

    /// <summary>Has every worker take another policy, between two turns, with these shares.</summary>
    /// <param name="create">Makes the policy.</param>
    /// <param name="shareOf">What each vCPU of a domain is entitled to.</param>
    /// <param name="era">What the schedule guarantees from then on.</param>
    internal void Change(Func<IPolicy> create, Func<Domain, Share> shareOf, ScheduleEra? era = null)
    {
        Announce(era);

        // Shares first: who is on its way from one worker to another meanwhile has its own with it.
        _placements.ForEach(placement => placement.Change(shareOf(placement.Slot.Domain)));
        _moves = create() is IMovingPolicy;
        foreach (PcpuWorker worker in workers)
        {
            IPolicy policy = create();
            worker.Post(() => worker.ChangePolicy(policy));
        }

        Permit();
        BeginWhenConfirmed(era);
    }

    // Before anything changes, so that no wait that ends afterwards is held against what was.
    private void Announce(ScheduleEra? era)
    {
        if (era is not null)
        {
            _placements.ForEach(placement => placement.Slot.Era = era);
        }
    }

    private void BeginWhenConfirmed(ScheduleEra? era)
    {
        int left = workers.Count;
        for (int i = 0; era is not null && i < workers.Count; i++)
        {
            workers[i].Confirm(now =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                {
                    era.Begin(now);
                }
            });
        }
    }

    private void Permit() => _balance?.Permit(_moves);
}
