using Bulkhead.Machine.Time;

namespace Bulkhead.Machine.Simulation;

/// <summary>When one vCPU gets work, and how much.</summary>
internal sealed class WorkSource
{
    private readonly SimulatedLoad _load;
    private readonly SeededRandom _random;

    internal WorkSource(SimulatedLoad load, SeededRandom random)
    {
        _load = load;
        _random = random;
        NextNs = load.Kind switch
        {
            LoadKind.Idle => long.MaxValue,
            LoadKind.Random => Add(load.StartNs, Exponential(load.PeriodNs)),
            _ => load.StartNs,
        };
    }

    /// <summary>What the guest says while it works, and for how long; see <see cref="SimulatedLoad.Hint"/>.</summary>
    internal (byte Hint, long ForNs) Hint => (_load.Hint, _load.HintNs);

    /// <summary>When the next piece of work comes, or <see cref="long.MaxValue"/>.</summary>
    internal long NextNs { get; private set; }

    /// <summary>Takes the next piece of work and returns how long it takes on the CPU, <see cref="long.MaxValue"/> for ever.</summary>
    internal long Take()
    {
        switch (_load.Kind)
        {
            case LoadKind.Periodic:
                NextNs = Add(NextNs, _load.PeriodNs);
                return _load.RunNs;
            case LoadKind.Random:
                NextNs = Add(NextNs, Exponential(_load.PeriodNs));
                return Exponential(_load.RunNs);
            default:
                NextNs = long.MaxValue;
                return long.MaxValue;
        }
    }

    // With this mean, exponentially distributed, at least 1.
    private long Exponential(long mean)
    {
        double uniform = (_random.Next() >> 11) * (1.0 / (1UL << 53));
        double value = -Math.Log(1 - uniform) * mean;
        return value < 1 ? 1 : value >= long.MaxValue / 4 ? long.MaxValue / 4 : (long)value;
    }

    private static long Add(long ns, long more) => ns > long.MaxValue - more ? long.MaxValue : ns + more;
}
