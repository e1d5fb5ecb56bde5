namespace Bulkhead.Machine;

/// <summary>What is to run together.</summary>
public sealed record MachineRequest
{
    /// <summary>The domains, the control domain first.</summary>
    public required IReadOnlyList<DomainRequest> Domains { get; init; }

    /// <summary>The host CPUs, one worker each; empty: as many of the allowed ones as there are vCPUs.</summary>
    public IReadOnlyList<int> Cpus { get; init; } = [];

    /// <summary>BVT's context-switch allowance.</summary>
    public long AllowanceNs { get; init; } = 1_000_000;

    /// <summary>How long an idle worker spins before it sleeps.</summary>
    public long SpinNs { get; init; } = 30_000;

    /// <summary>The SCHED_FIFO priority asked for the workers, 0 for none; refused silently where not permitted.</summary>
    public int RealTimePriority { get; init; }
}
