using Bulkhead.Machine.Admission;

namespace Bulkhead.Machine.Simulation;

/// <summary>What one vCPU got, beside what was computed for it.</summary>
public sealed record SimulatedVcpu
{
    /// <summary>Who it is and what its schedule guarantees, for the overrun of the simulation.</summary>
    public required VcpuSchedule Schedule { get; init; }

    /// <summary>What it did.</summary>
    public required SimulatedLoad Load { get; init; }

    /// <summary>How long it had the CPU.</summary>
    public required long RanNs { get; init; }

    /// <summary>How often it moved to another CPU.</summary>
    public long Moves { get; init; }

    /// <summary>How long in each class; empty where its domain has none.</summary>
    public IReadOnlyList<(string Name, long RanNs)> RanIn { get; init; } = [];

    /// <summary>What its wake-ups waited.</summary>
    public required DispatchLatency Latency { get; init; }

    /// <summary>Its turns, as far as they were kept.</summary>
    public required IReadOnlyList<SimulatedTurn> Turns { get; init; }

    /// <summary>Its wake-ups, as far as they were kept.</summary>
    public required IReadOnlyList<SimulatedWait> Waits { get; init; }

    /// <summary>Its name in tables.</summary>
    public string Name => $"{Schedule.Domain.Name}/{Schedule.Vcpu}";

    /// <summary>Whether it waited longer than was computed: an error of Bulkhead's, in the bound or in the policy.</summary>
    public bool ExceedsBound => Latency.MaxNs > Schedule.WorstDispatchNs;
}
