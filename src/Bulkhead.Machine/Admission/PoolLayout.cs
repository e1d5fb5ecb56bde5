using Bulkhead.Machine.Configuration;
using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Machine.Admission;

/// <summary>Where the vCPUs of a pool are dealt to, and where else they may be.</summary>
internal sealed class PoolLayout
{
    private readonly (DomainConfig Domain, int Vcpu)[] _vcpus;
    private readonly bool[] _closed;
    private readonly bool[,] _allowed;
    private readonly bool _moves;

    internal PoolLayout(SystemConfig system, PoolConfig pool)
    {
        Pool = pool;
        _moves = pool.Policy == SchedulingPolicy.Bvt && pool.CpuCount > 1;
        _vcpus = [.. system.Domains.Where(d => d.Pool == pool.Name).SelectMany(static d => Enumerable.Range(0, d.Vcpus).Select(v => (d, v)))];
        var dealer = new Dealer(pool.CpuCount);
        Homes = [.. _vcpus.Select(v => dealer.Next(v.Domain.Cpus))];
        bool[] waits = [.. _vcpus.Select(static v => v.Domain.Latency is not null)];
        _closed = MoveRules.Closed([.. Homes], waits, pool.CpuCount);
        _allowed = new bool[_vcpus.Length, pool.CpuCount];
        for (int i = 0; i < _vcpus.Length; i++)
        {
            IReadOnlyList<int> cpus = _vcpus[i].Domain.Cpus;
            for (int cpu = 0; cpu < pool.CpuCount; cpu++)
            {
                _allowed[i, cpu] = MoveRules.MayBeOn(cpu, Homes[i], waits[i] || !_moves, cpus.Count == 0 || cpus.Contains(cpu), _closed);
            }
        }
    }

    /// <summary>The pool.</summary>
    internal PoolConfig Pool { get; }

    /// <summary>Whether anybody can move.</summary>
    internal bool Moves => _moves && _vcpus.Where((_, i) => IsMovable(i)).Any();

    /// <summary>The CPU each vCPU is dealt to, in the file's order.</summary>
    internal IReadOnlyList<int> Homes { get; }

    /// <summary>How many vCPUs there are.</summary>
    internal int Count => _vcpus.Length;

    /// <summary>Whether a vCPU may be on a CPU.</summary>
    internal bool IsAllowed(int vcpu, int cpu) => _allowed[vcpu, cpu];

    /// <summary>Those that may share a CPU with a vCPU, and its place among them.</summary>
    internal (CpuQueue Queue, int Index) QueueOf(int vcpu, long overrunNs)
    {
        int[] sharers = [.. Enumerable.Range(0, Count).Where(other => other == vcpu || Cpus().Any(cpu => _allowed[vcpu, cpu] && _allowed[other, cpu]))];
        Mobility mobility = IsMovable(vcpu) ? Mobility.Itself
            : sharers.Any(IsMovable) ? Mobility.Others
            : Mobility.None;
        var queue = new CpuQueue(Pool, Homes[vcpu], [.. sharers.Select(i => _vcpus[i])], overrunNs)
        {
            Mobility = mobility,
            FairShare = IsFree(vcpu) ? FairShare(vcpu) : null,
        };
        return (queue, Array.IndexOf(sharers, vcpu));
    }

    private IEnumerable<int> Cpus() => Enumerable.Range(0, Pool.CpuCount);

    private bool IsMovable(int vcpu) => Cpus().Count(cpu => _allowed[vcpu, cpu]) > 1;

    // Wherever there is an open CPU, it can be there.
    private bool IsFree(int vcpu) => IsMovable(vcpu) && Cpus().All(cpu => _closed[cpu] || _allowed[vcpu, cpu]);

    // Were all that can be there on the open CPUs.
    private double FairShare(int vcpu)
    {
        int[] open = [.. Cpus().Where(cpu => !_closed[cpu])];
        int[] weights = [.. _vcpus.Select((v, i) => open.Any(cpu => _allowed[i, cpu]) ? v.Domain.Weight : 0)];
        double[] shares = new double[Count];
        FairShares.Compute(weights, open.Length, shares);
        return shares[vcpu];
    }
}
