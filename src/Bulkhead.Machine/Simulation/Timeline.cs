namespace Bulkhead.Machine.Simulation;

/// <summary>Keeps the first turns and wake-ups of one CPU's vCPUs.</summary>
internal sealed class Timeline(int most)
{
    private readonly List<(List<SimulatedTurn> Turns, List<SimulatedWait> Waits)> _lanes = [];
    private int _kept;
    private int _last = -1;

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
        if (_last == lane && turns.Count > 0 && turns[^1].ToNs == turn.FromNs && turns[^1].Warped == turn.Warped && turns[^1].Class == turn.Class && turn.FromNs < KeptNs)
        {
            turns[^1] = turns[^1] with { ToNs = turn.ToNs };
        }
        else if (HasRoom(turn.FromNs))
        {
            turns.Add(turn);
        }

        _last = lane;
    }

    /// <summary>Notes a wake-up that got the CPU, or that still waits at the end.</summary>
    internal void AddWait(int lane, SimulatedWait wait)
    {
        if (HasRoom(wait.DispatchedNs))
        {
            _lanes[lane].Waits.Add(wait);
        }
    }

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
