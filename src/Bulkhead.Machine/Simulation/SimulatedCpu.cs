using Bulkhead.Machine.Configuration;

namespace Bulkhead.Machine.Simulation;

/// <summary>What happened on one CPU of a pool.</summary>
public sealed record SimulatedCpu
{
    /// <summary>The pool.</summary>
    public required PoolConfig Pool { get; init; }

    /// <summary>The CPU as the file names it: a number or <c>last</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How long nobody had it.</summary>
    public required long IdleNs { get; init; }

    /// <summary>How often another vCPU was dispatched than the time before.</summary>
    public required long Switches { get; init; }

    /// <summary>How far turns and wake-ups were kept.</summary>
    public required long KeptNs { get; init; }

    /// <summary>Its vCPUs, in the file's order.</summary>
    public required IReadOnlyList<SimulatedVcpu> Vcpus { get; init; }
}
