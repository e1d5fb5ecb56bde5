namespace Bulkhead.Machine.Simulation;

/// <summary>A time in which one vCPU had the CPU; turns that follow each other without a change are one.</summary>
/// <param name="FromNs">Its begin.</param>
/// <param name="ToNs">Its end.</param>
/// <param name="Warped">Whether a warp applied when it began.</param>
/// <param name="Cpu">The CPU's number in its pool.</param>
public readonly record struct SimulatedTurn(long FromNs, long ToNs, bool Warped, int Cpu = 0)
{
    /// <summary>The class it was in; null where its domain has none.</summary>
    public string? Class { get; init; }
}
