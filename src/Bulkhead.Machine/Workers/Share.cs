using Bulkhead.Scheduling;

namespace Bulkhead.Machine.Workers;

/// <summary>What a vCPU is entitled to: <see cref="BvtParameters"/> for those who do not see the scheduler's layer.</summary>
/// <remarks><i>Units</i>: warp in virtual nanoseconds, the limits in real ones; 0 = none.</remarks>
public sealed record Share(int Weight = 1, long WarpNs = 0, long WarpLimitNs = 0, long UnwarpNs = 0)
{
    internal BvtParameters Parameters => new()
    {
        Weight = Weight,
        WarpNs = WarpNs,
        WarpLimitNs = WarpLimitNs,
        UnwarpNs = UnwarpNs,
    };
}
