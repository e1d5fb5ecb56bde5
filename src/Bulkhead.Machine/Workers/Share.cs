namespace Bulkhead.Machine.Workers;

/// <summary>What a vCPU is entitled to under Borrowed Virtual Time.</summary>
/// <remarks><i>Units</i>: warp in virtual nanoseconds, the limits in real ones; 0 = none.</remarks>
public sealed record Share(int Weight = 1, long WarpNs = 0, long WarpLimitNs = 0, long UnwarpNs = 0);
