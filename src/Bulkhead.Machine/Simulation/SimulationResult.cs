namespace Bulkhead.Machine.Simulation;

/// <summary>What came out of a simulation.</summary>
/// <param name="Request">What was asked for.</param>
/// <param name="Cpus">The CPUs that have vCPUs, in the file's order.</param>
public sealed record SimulationResult(SimulationRequest Request, IReadOnlyList<SimulatedCpu> Cpus)
{
    /// <summary>How far turns and wake-ups were kept on every CPU.</summary>
    public long KeptNs => Cpus.Min(static c => c.KeptNs);
}
