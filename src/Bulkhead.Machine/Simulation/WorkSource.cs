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
            LoadKind.Random => Add(load.StartNs, random.NextExponential(load.PeriodNs)),
            _ => load.StartNs,
        };
    }

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
                NextNs = Add(NextNs, _random.NextExponential(_load.PeriodNs));
                return _random.NextExponential(_load.RunNs);
            default:
                NextNs = long.MaxValue;
                return long.MaxValue;
        }
    }

    private static long Add(long ns, long more) => ns > long.MaxValue - more ? long.MaxValue : ns + more;
}
