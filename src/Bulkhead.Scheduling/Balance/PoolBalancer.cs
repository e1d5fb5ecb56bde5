namespace Bulkhead.Scheduling.Balance;

/// <summary>Which vCPUs of a pool should be on another of its CPUs, so that all get their share of the pool and not of the CPU they happen to be on.</summary>
/// <remarks>
/// <para><i>Use</i>: every <see cref="PeriodNs"/> or so fill in <see cref="Load"/> of each vCPU, call <see cref="Look"/>, then
/// <see cref="TryNext"/> until it has no more.</para>
/// <para><i>Rule</i>: each vCPU has a <em>pool time</em> P that moves on by what it ran, divided by its fair share of the pool
/// (<see cref="FairShares"/>): all P stay equal where all get just that. On a CPU whose runnable have the weights w, one that is x
/// behind the furthest gets w / sum of the w of every moment. A move is worth what it adds to the sum of x times that over all
/// vCPUs: it puts those who are behind where they get more. The best move is made if it is worth more than
/// <see cref="ThresholdNs"/>; two of one domain on a CPU count twice that against it.</para>
/// <para><i>Why it works</i>: the sum of share times P squared falls the faster the larger that worth is. A choice that always
/// maximizes it keeps all P together wherever some mixture of placements can (L. Tassiulas, A. Ephremides, "Stability
/// properties of constrained queueing systems", IEEE TAC 37(12), 1992); this one looks at single moves only, and the tests say how far it gets.
/// The threshold bounds how often: with three of one weight on two CPUs somebody moves when the gap is about four thresholds.</para>
/// <para>Who slept has no claim to the time slept through, as in a queue. What placements cannot even out (a vCPU that is bound to a
/// crowded CPU) is forgotten within seconds.</para>
/// <para><i>Threading</i>: one thread at a time, but for <see cref="AheadNs"/>. <i>Cost</i>: vCPUs times CPUs, and again for each move;
/// nothing is allocated after the constructor.</para>
/// </remarks>
public sealed class PoolBalancer
{
    /// <summary>How often to look.</summary>
    public const long PeriodNs = 10_000_000;

    /// <summary>For so long a vCPU that moved is not moved again to even out shares.</summary>
    public const long HoldNs = 100_000_000;

    /// <summary>What a move has to be worth, in pool time.</summary>
    public const long ThresholdNs = 10_000_000;

    // So much of a gap is forgotten at each look: a thousandth, that is all of it in some ten seconds.
    private const double Forgotten = 1.0 / 1024;

    // What being together with another of its domain costs.
    private const double SiblingNs = 2.0 * ThresholdNs;

    private readonly VcpuLoad[] _loads;
    private readonly bool[] _allowed;
    private readonly double[] _ahead;
    private readonly int[] _weights;
    private readonly double[] _shares;
    private readonly int _cpus;
    private readonly double[] _sum;
    private readonly long[] _weight;
    private readonly int[] _count;
    private double _furthest;

    /// <summary>Creates the balancer of a pool; every vCPU may run everywhere.</summary>
    public PoolBalancer(int cpus, int vcpus)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(vcpus);
        _cpus = cpus;
        _loads = new VcpuLoad[vcpus];
        _allowed = new bool[vcpus * cpus];
        Array.Fill(_allowed, true);
        _ahead = new double[vcpus];
        _weights = new int[vcpus];
        _shares = new double[vcpus];
        _sum = new double[cpus];
        _weight = new long[cpus];
        _count = new int[cpus];
    }

    /// <summary>What is known of a vCPU, to be filled in before each look.</summary>
    public ref VcpuLoad Load(int vcpu) => ref _loads[vcpu];

    /// <summary>Says whether a vCPU may run on a CPU.</summary>
    public void Allow(int vcpu, int cpu, bool allowed) => _allowed[(vcpu * _cpus) + cpu] = allowed;

    /// <summary>How far a vCPU was, at the last look, ahead of the one that is furthest behind, in pool time.</summary>
    /// <remarks><i>Threading</i>: any thread.</remarks>
    public double AheadNs(int vcpu) => Volatile.Read(ref _ahead[vcpu]);

    /// <summary>Takes in what the vCPUs did since the last look.</summary>
    public void Look()
    {
        for (int i = 0; i < _loads.Length; i++)
        {
            _weights[i] = _loads[i].Runnable || _loads[i].RanNs > 0 ? _loads[i].Weight : 0;
        }

        FairShares.Compute(_weights, _cpus, _shares);
        double least = double.MaxValue;
        for (int i = 0; i < _loads.Length; i++)
        {
            _ahead[i] += _shares[i] > 0 ? _loads[i].RanNs / _shares[i] : 0;
            least = Claims(i) ? Math.Min(least, _ahead[i]) : least;
        }

        if (least == double.MaxValue)
        {
            Array.Clear(_ahead);
        }
        else
        {
            Settle(least);
        }

        Sum();
    }

    /// <summary>The best move, if it is worth one; it counts as made.</summary>
    public bool TryNext(out PoolMove move)
    {
        double best = ThresholdNs;
        move = new PoolMove(-1, -1);
        for (int vcpu = 0; vcpu < _loads.Length; vcpu++)
        {
            ref VcpuLoad load = ref _loads[vcpu];
            if (!load.Runnable || !load.Movable || _count[load.Cpu] < 2)
            {
                continue;
            }

            for (int cpu = 0; cpu < _cpus; cpu++)
            {
                double worth = cpu != load.Cpu && IsAllowed(vcpu, cpu) ? Worth(vcpu, cpu) : 0;
                if (worth > best)
                {
                    (best, move) = (worth, new PoolMove(vcpu, cpu));
                }
            }
        }

        if (move.Vcpu < 0)
        {
            return false;
        }

        Put(move.Vcpu, -1);
        _loads[move.Vcpu].Cpu = move.Cpu;
        _loads[move.Vcpu].Movable = false;
        Put(move.Vcpu, 1);
        return true;
    }

    private bool IsAllowed(int vcpu, int cpu) => _allowed[(vcpu * _cpus) + cpu];

    // Whether it would have run all the time, and could be helped.
    private bool Claims(int vcpu) => _loads[vcpu] is { Runnable: true, Slept: false } && IsFree(vcpu);

    private bool IsFree(int vcpu)
    {
        for (int cpu = 0; cpu < _cpus; cpu++)
        {
            if (cpu != _loads[vcpu].Cpu && IsAllowed(vcpu, cpu))
            {
                return true;
            }
        }

        return false;
    }

    private void Settle(double least)
    {
        for (int i = 0; i < _loads.Length; i++)
        {
            double ahead = _ahead[i] - least;
            if (_loads[i].Slept || !_loads[i].Runnable)
            {
                ahead = Math.Max(ahead, 0);
            }

            Volatile.Write(ref _ahead[i], ahead - (ahead * Forgotten));
        }
    }

    private void Sum()
    {
        Array.Clear(_sum);
        Array.Clear(_weight);
        Array.Clear(_count);
        _furthest = double.MinValue;
        for (int i = 0; i < _loads.Length; i++)
        {
            _furthest = _loads[i].Runnable ? Math.Max(_furthest, _ahead[i]) : _furthest;
        }

        for (int i = 0; i < _loads.Length; i++)
        {
            if (_loads[i].Runnable)
            {
                Put(i, 1);
            }
        }
    }

    private void Put(int vcpu, int sign)
    {
        ref VcpuLoad load = ref _loads[vcpu];
        _sum[load.Cpu] += sign * load.Weight * Behind(vcpu);
        _weight[load.Cpu] += sign * load.Weight;
        _count[load.Cpu] += sign;
    }

    // The furthest counts a little too, or it would be worth nothing to let it run rather than nobody.
    private double Behind(int vcpu) => _furthest - _ahead[vcpu] + (2.0 * ThresholdNs);

    private double Worth(int vcpu, int to)
    {
        int from = _loads[vcpu].Cpu;
        int weight = _loads[vcpu].Weight;
        double behind = weight * Behind(vcpu);
        double before = (_sum[from] / _weight[from]) + (_count[to] == 0 ? 0 : _sum[to] / _weight[to]);
        double after = ((_sum[from] - behind) / (_weight[from] - weight)) + ((_sum[to] + behind) / (_weight[to] + weight));
        return after - before - (SiblingNs * (Siblings(vcpu, to) - Siblings(vcpu, from)));
    }

    private int Siblings(int vcpu, int cpu)
    {
        int siblings = 0;
        for (int i = 0; i < _loads.Length; i++)
        {
            siblings += i != vcpu && _loads[i].Runnable && _loads[i].Domain == _loads[vcpu].Domain && _loads[i].Cpu == cpu ? 1 : 0;
        }

        return siblings;
    }
}
