namespace Bulkhead.Machine.Simulation;

/// <summary>What a simulated vCPU does with its time.</summary>
public enum LoadKind
{
    /// <summary>Nothing: it never wakes.</summary>
    Idle,

    /// <summary>Computes without end.</summary>
    Busy,

    /// <summary>Gets the same work at equal intervals.</summary>
    Periodic,

    /// <summary>Gets work of exponential length at exponential intervals.</summary>
    Random,
}
