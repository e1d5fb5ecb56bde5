using Bulkhead.Machine.Domains;
using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Machine.Workers;

/// <summary>Who of a pool's vCPUs goes to which of its CPUs while they run.</summary>
/// <remarks>
/// <para>Two things move a vCPU. An idle worker asks for work and sleeps; one that has more than it can run gives it some, between
/// two turns. And every <see cref="PoolBalancer.PeriodNs"/> a worker on which somebody waits looks at the whole pool, and asks the
/// owners to hand over whom <see cref="PoolBalancer"/> names. In both the owner decides, since only it knows.</para>
/// <para><i>Who may go where</i>: a vCPU that declares how long it can wait stays where it was dealt, because that was computed for
/// those it shares the CPU with. Such a CPU takes only those that were dealt to it. See docs/decisions/0014.</para>
/// <para><i>Threading</i>: workers, but for what says control thread. It takes no lock: a worker that asks sets its mark, then
/// looks who has too much; one that has too much notes that, then looks at the marks.</para>
/// </remarks>
internal sealed class PoolBalance
{
    private readonly PcpuWorker[] _workers;
    private readonly Placement[] _placements;
    private readonly PoolBalancer _balancer;
    private readonly long[] _ran;
    private readonly int[] _sleeps;
    private readonly int[] _asking;
    private int _askers;
    private int _looking;
    private long _nextLookNs;
    private int _version;
    private int _known = -1;

    internal PoolBalance(IReadOnlyList<PcpuWorker> workers, IReadOnlyList<Placement> placements)
    {
        _workers = [.. workers];
        _placements = [.. placements];
        _balancer = new PoolBalancer(workers.Count, _placements.Length);
        _ran = new long[_placements.Length];
        _sleeps = new int[_placements.Length];
        _asking = new int[workers.Count];
        var domains = new List<Domain>();
        for (int i = 0; i < _placements.Length; i++)
        {
            Domain domain = _placements[i].Slot.Domain;
            if (!domains.Contains(domain))
            {
                domains.Add(domain);
            }

            _balancer.Load(i).Domain = domains.IndexOf(domain);
        }
    }

    /// <summary>How many vCPUs there are to move.</summary>
    internal int Vcpus => _placements.Length;

    /// <summary>Whether some worker asks for work; full fence before it.</summary>
    internal bool IsAskedForWork
    {
        get
        {
            Interlocked.MemoryBarrier();
            return Volatile.Read(ref _askers) != 0;
        }
    }

    /// <summary>Control thread: computes anew who may go where.</summary>
    /// <param name="moves">Whether the pool's policy moves vCPUs at all; else all go home.</param>
    internal void Permit(bool moves)
    {
        int[] homes = [.. _placements.Select(static p => p.Home.Number)];
        bool[] waits = [.. _placements.Select(static p => p.LatestShare.HasDeadline)];
        bool[] closed = MoveRules.Closed(homes, waits, _workers.Length);
        for (int i = 0; i < _placements.Length; i++)
        {
            bool[]? pins = _placements[i].Pins;
            bool[] allowed = new bool[_workers.Length];
            for (int cpu = 0; cpu < allowed.Length; cpu++)
            {
                allowed[cpu] = MoveRules.MayBeOn(cpu, homes[i], waits[i] || !moves, pins?[cpu] != false, closed);
            }

            _placements[i].Allow(allowed);
        }

        _ = Interlocked.Increment(ref _version);
        foreach (PcpuWorker worker in _workers)
        {
            worker.Notify();
        }
    }

    /// <summary>An idle worker asks for work, until <see cref="StopAsking"/>.</summary>
    internal void Ask(PcpuWorker worker)
    {
        _ = Interlocked.Exchange(ref _asking[worker.Number], 1);
        _ = Interlocked.Increment(ref _askers);
        foreach (PcpuWorker other in _workers)
        {
            if (other != worker && other.RunnableCount > 1 && MayGive(other, worker))
            {
                other.Poke(null);
                return;
            }
        }
    }

    /// <summary>It was given some, or has its own again.</summary>
    internal void StopAsking(PcpuWorker worker) => _ = TryClaim(worker);

    /// <summary>Gives idle workers what a worker cannot run now.</summary>
    internal void GiveSlow(PcpuWorker worker, VcpuSlot next, long nowNs)
    {
        foreach (PcpuWorker other in _workers)
        {
            if (Volatile.Read(ref _asking[other.Number]) != 0 && Choose(worker, other, next) is { } placement && TryClaim(other))
            {
                worker.Send(placement, other, nowNs);
            }
        }
    }

    /// <summary>Looks at the whole pool, if it is time to and nobody else does.</summary>
    internal void LookIfDue(long nowNs)
    {
        long due = Volatile.Read(ref _nextLookNs);
        if (nowNs >= due && Interlocked.CompareExchange(ref _looking, 1, 0) == 0)
        {
            if (nowNs >= Volatile.Read(ref _nextLookNs))
            {
                LookSlow(nowNs);
                Volatile.Write(ref _nextLookNs, nowNs + PoolBalancer.PeriodNs);
            }

            Volatile.Write(ref _looking, 0);
        }
    }

    // What it sees of others may be old already: the owner decides.
    private void LookSlow(long nowNs)
    {
        int version = Volatile.Read(ref _version);
        for (int i = 0; i < _placements.Length; i++)
        {
            Placement placement = _placements[i];
            ref VcpuLoad load = ref _balancer.Load(i);
            long ran = placement.Slot.RanNs;
            int sleeps = placement.Sleeps;
            load.Weight = placement.Share.Weight;
            load.Cpu = placement.Owner.Number;
            load.RanNs = Math.Max(ran - _ran[i], 0);
            load.Runnable = placement.Slot.Runnable;
            load.Slept = sleeps != _sleeps[i];
            load.Movable = MoveRules.MayEven(placement.Slot.WaitingSinceNs, placement.MovedNs, nowNs);
            (_ran[i], _sleeps[i]) = (ran, sleeps);
            for (int cpu = 0; version != _known && cpu < _workers.Length; cpu++)
            {
                _balancer.Allow(i, cpu, placement.MayRunOn(_workers[cpu]));
            }
        }

        _known = version;
        _balancer.Look();
        while (_balancer.TryNext(out PoolMove move))
        {
            _placements[move.Vcpu].Want(_workers[move.Cpu]);
        }
    }

    private bool MayGive(PcpuWorker from, PcpuWorker to)
    {
        foreach (Placement placement in _placements)
        {
            if (placement.Owner == from && placement.Slot.Runnable && placement.MayRunOn(to))
            {
                return true;
            }
        }

        return false;
    }

    // The one furthest behind of those that can go: it gets a CPU of its own for now.
    private Placement? Choose(PcpuWorker from, PcpuWorker to, VcpuSlot next)
    {
        Placement? best = null;
        double bestAhead = double.MaxValue;
        for (int i = 0; i < _placements.Length; i++)
        {
            Placement placement = _placements[i];
            if (placement.Owner == from && placement.Slot != next && CanGo(placement) && placement.MayRunOn(to) && _balancer.AheadNs(i) < bestAhead)
            {
                (best, bestAhead) = (placement, _balancer.AheadNs(i));
            }
        }

        return best;
    }

    private static bool CanGo(Placement placement) =>
        placement is { IsHere: true, Slot: { Runnable: true, IsHeld: false } slot } && MoveRules.MayFillIdle(slot.WaitingSinceNs, placement.MovedNs);

    private bool TryClaim(PcpuWorker worker)
    {
        bool claimed = Interlocked.Exchange(ref _asking[worker.Number], 0) != 0;
        if (claimed)
        {
            _ = Interlocked.Decrement(ref _askers);
        }

        return claimed;
    }
}
