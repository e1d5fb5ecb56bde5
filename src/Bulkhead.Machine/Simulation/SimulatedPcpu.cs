using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Simulation;

/// <summary>One CPU of a <see cref="PoolSimulator"/>, and what it is at.</summary>
internal sealed class SimulatedPcpu(IPolicy policy, int number)
{
    internal IPolicy Policy => policy;

    internal IMovingPolicy? Mover { get; } = policy as IMovingPolicy;

    /// <summary>Its number in the pool.</summary>
    internal int Number => number;

    /// <summary>The vCPU whose turn it is; -1 = it is idle.</summary>
    internal int Running { get; set; } = -1;

    /// <summary>Since when.</summary>
    internal long FromNs { get; set; }

    /// <summary>Until when, as far as is known.</summary>
    internal long UntilNs { get; set; }

    /// <summary>Whether a warp applied when it began.</summary>
    internal bool Warped { get; set; }

    /// <summary>The class of the turn; null where its domain has none.</summary>
    internal string? Class { get; set; }

    /// <summary>The vCPU dispatched last.</summary>
    internal int Last { get; set; } = -1;

    /// <summary>Whether it is idle and asks for work.</summary>
    internal bool Asking { get; set; }

    internal long IdleNs { get; set; }

    internal long Switches { get; set; }
}
