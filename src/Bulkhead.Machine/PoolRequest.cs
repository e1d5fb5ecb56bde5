namespace Bulkhead.Machine;

/// <summary>A set of host CPUs with a schedule of its own.</summary>
public sealed record PoolRequest
{
    /// <summary>Its name, for messages.</summary>
    public string Name { get; init; } = "default";

    /// <summary>The host CPUs, one worker each; empty: as many of the allowed ones as the pool has vCPUs.</summary>
    public IReadOnlyList<int> Cpus { get; init; } = [];

    /// <summary>The SCHED_FIFO priority of its workers, 0 for none; without effect where it is not permitted.</summary>
    public int RealTimePriority { get; init; }

    /// <summary>BVT's context-switch allowance.</summary>
    public long AllowanceNs { get; init; } = 1_000_000;
}
