namespace Bulkhead.Machine.Configuration;

/// <summary>How a pool shares its CPUs.</summary>
public enum SchedulingPolicy
{
    /// <summary>Borrowed Virtual Time: shares by weight, latency by warp.</summary>
    Bvt,

    /// <summary>Reservations, earliest deadline first.</summary>
    Edf,

    /// <summary>Time partitions: windows of a major frame.</summary>
    Arinc653,

    /// <summary>Preemptive fixed priorities.</summary>
    FixedPriority,

    /// <summary>Each CPU belongs to one vCPU.</summary>
    Null,
}
