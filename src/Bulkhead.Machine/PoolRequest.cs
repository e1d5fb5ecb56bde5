using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine;

/// <summary>A set of host CPUs with a schedule of its own.</summary>
public sealed record PoolRequest
{
    /// <summary>Its name, for messages.</summary>
    public string Name { get; init; } = "default";

    /// <summary>The host CPUs, one worker each; empty: as many of the allowed ones as the pool has vCPUs.</summary>
    public IReadOnlyList<int> Cpus { get; init; } = [];

    /// <summary>How each of them is shared.</summary>
    public SchedulingPolicy Policy { get; init; }

    /// <summary>The time table, for <see cref="SchedulingPolicy.Arinc653"/> only.</summary>
    public TimeFrame? Frame { get; init; }

    /// <summary>The SCHED_RR priority of its workers, 0 for none; without effect where it is not permitted.</summary>
    public int RealTimePriority { get; init; }

    /// <summary>How long an idle worker spins before it sleeps.</summary>
    public long SpinNs { get; init; } = 30_000;

    /// <summary>BVT's context-switch allowance; where others take turns of a fixed length, that length.</summary>
    public long AllowanceNs { get; init; } = 1_000_000;
}
