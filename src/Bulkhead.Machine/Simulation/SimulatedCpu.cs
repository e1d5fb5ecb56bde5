using Bulkhead.Machine.Configuration;

namespace Bulkhead.Machine.Simulation;

/// <summary>What happened on one CPU of a pool; or on all of them, where vCPUs move between them.</summary>
public sealed record SimulatedCpu
{
    /// <summary>The pool.</summary>
    public required PoolConfig Pool { get; init; }

    /// <summary>The CPU as the file names it, a number or <c>last</c>; or all of them.</summary>
    public required string Name { get; init; }

    /// <summary>How many CPUs that is.</summary>
    public int CpuCount { get; init; } = 1;

    /// <summary>How long nobody had it; of several the sum.</summary>
    public required long IdleNs { get; init; }

    /// <summary>How often another vCPU was dispatched than the time before.</summary>
    public required long Switches { get; init; }

    /// <summary>How far turns and wake-ups were kept.</summary>
    public required long KeptNs { get; init; }

    /// <summary>Its vCPUs, in the file's order.</summary>
    public required IReadOnlyList<SimulatedVcpu> Vcpus { get; init; }
}
