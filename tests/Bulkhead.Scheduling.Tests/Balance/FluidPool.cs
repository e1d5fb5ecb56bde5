using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Scheduling.Tests.Balance;

/// <summary>A pool whose vCPUs always want to run, each CPU shared exactly by weight, looked at as often as a real one.</summary>
internal sealed class FluidPool
{
    private readonly int _cpus;
    private readonly int[] _weights;
    private readonly int[] _cpu;
    private readonly double[] _ran;
    private readonly long[] _movedNs;
    private readonly int[] _domains;
    private readonly PoolBalancer _balancer;
    private long _nowNs;
    private long _markNs;

    public FluidPool(int cpus, int[] weights, int[]? domains = null)
    {
        (_cpus, _weights) = (cpus, weights);
        _domains = domains ?? [.. Enumerable.Range(0, weights.Length)];
        _cpu = [.. weights.Select((_, i) => i % cpus)];
        _ran = new double[weights.Length];
        _movedNs = [.. weights.Select(_ => -PoolBalancer.HoldNs)];
        _balancer = new PoolBalancer(cpus, weights.Length);
    }

    public long Moves { get; private set; }

    public double Seconds => (_nowNs - _markNs) / 1e9;

    public int CpuOf(int vcpu) => _cpu[vcpu];

    public IEnumerable<double> Shares() => _ran.Select(ns => ns / (_nowNs - _markNs));

    public void Bind(int vcpu, int cpu)
    {
        for (int i = 0; i < _cpus; i++)
        {
            _balancer.Allow(vcpu, i, i == cpu);
        }
    }

    public void Scatter(Random random)
    {
        for (int i = 0; i < _cpu.Length; i++)
        {
            _cpu[i] = random.Next(_cpus);
        }
    }

    /// <summary>Counts from here.</summary>
    public void Mark()
    {
        Array.Clear(_ran);
        (_markNs, Moves) = (_nowNs, 0);
    }

    public void Run(int looks)
    {
        for (int look = 0; look < looks; look++)
        {
            Steal();
            _nowNs += PoolBalancer.PeriodNs;
            for (int i = 0; i < _cpu.Length; i++)
            {
                double ran = PoolBalancer.PeriodNs * (double)_weights[i] / Weight(_cpu[i]);
                _ran[i] += ran;
                _balancer.Load(i) = new VcpuLoad
                {
                    Weight = _weights[i], Domain = _domains[i], Cpu = _cpu[i], RanNs = (long)ran, Runnable = true,
                    Movable = _nowNs - _movedNs[i] >= PoolBalancer.HoldNs,
                };
            }

            _balancer.Look();
            while (_balancer.TryNext(out PoolMove move))
            {
                (_cpu[move.Vcpu], _movedNs[move.Vcpu]) = (move.Cpu, _nowNs);
                Moves++;
            }
        }
    }

    private void Steal()
    {
        for (int cpu = 0; cpu < _cpus; cpu++)
        {
            int taken = Weight(cpu) != 0 ? -1 : Array.FindIndex(_cpu, from => _cpu.Count(c => c == from) > 1);
            if (taken >= 0)
            {
                (_cpu[taken], _movedNs[taken]) = (cpu, _nowNs);
            }
        }
    }

    private long Weight(int cpu) => _cpu.Select((c, i) => c == cpu ? (long)_weights[i] : 0).Sum();
}
