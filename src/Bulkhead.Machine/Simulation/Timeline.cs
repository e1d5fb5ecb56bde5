namespace Bulkhead.Machine.Simulation;

/// <summary>Keeps the first turns and wake-ups of the vCPUs of a CPU, or of a pool's.</summary>
internal sealed class Timeline(int most, int cpus = 1)
{
    private readonly List<(List<SimulatedTurn> Turns, List<SimulatedWait> Waits)> _lanes = [];
    private readonly int[] _last = [.. Enumerable.Repeat(-1, cpus)];
    private int _kept;

    /// <summary>Until when everything was kept.</summary>
    internal long KeptNs { get; private set; } = long.MaxValue;

    internal IReadOnlyList<SimulatedTurn> Turns(int lane) => _lanes[lane].Turns;

    internal IReadOnlyList<SimulatedWait> Waits(int lane) => _lanes[lane].Waits;

    /// <summary>Makes room for one more vCPU.</summary>
    internal void AddLane() => _lanes.Add(([], []));

    /// <summary>Notes who had the CPU.</summary>
    internal void AddTurn(int lane, SimulatedTurn turn)
    {
        List<SimulatedTurn> turns = _lanes[lane].Turns;
        if (_last[turn.Cpu] == lane && turns.Count > 0 && GoesOn(turns[^1], turn) && turn.FromNs < KeptNs)
        {
            turns[^1] = turns[^1] with { ToNs = turn.ToNs };
        }
        else if (HasRoom(turn.FromNs))
        {
            turns.Add(turn);
        }

        _last[turn.Cpu] = lane;
    }

    /// <summary>Notes a wake-up that got the CPU, or that still waits at the end.</summary>
    internal void AddWait(int lane, SimulatedWait wait)
    {
        if (HasRoom(wait.DispatchedNs))
        {
            _lanes[lane].Waits.Add(wait);
        }
    }

    private static bool GoesOn(in SimulatedTurn before, in SimulatedTurn turn) =>
        (before.Cpu, before.ToNs, before.Warped, before.Class) == (turn.Cpu, turn.FromNs, turn.Warped, turn.Class);

    private bool HasRoom(long nowNs)
    {
        if (_kept == most)
        {
            KeptNs = Math.Min(KeptNs, nowNs);
            return false;
        }

        _kept++;
        return true;
    }
}
