namespace Bulkhead.Machine.Configuration;

/// <summary>How a pool shares its CPUs.</summary>
public enum SchedulingPolicy
{
    /// <summary>Borrowed Virtual Time: shares by weight, latency by warp.</summary>
    Bvt,
}
