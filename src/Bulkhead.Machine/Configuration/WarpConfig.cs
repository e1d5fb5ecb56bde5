namespace Bulkhead.Machine.Configuration;

/// <summary>How far a domain's vCPUs may put themselves first on waking up.</summary>
/// <param name="ValueNs">W, in virtual nanoseconds; above 0.</param>
/// <param name="LimitNs">L, real: how long a vCPU may run warped after a wake-up; 0 = no limit.</param>
/// <param name="UnwarpNs">U, real: how long it then stays unwarped; 0 = until its next wake-up.</param>
public sealed record WarpConfig(long ValueNs, long LimitNs, long UnwarpNs);
