namespace Bulkhead.Scheduling;

/// <summary>What the operator sets for one vCPU under Borrowed Virtual Time.</summary>
/// <remarks>
/// <i>Units</i>: <see cref="WarpNs"/> is virtual time, the two limits are real time.
/// <i>Source</i>: Duda, Cheriton, "Borrowed-Virtual-Time (BVT) scheduling", SOSP 1999, 2 BVT Scheduling.
/// </remarks>
public readonly record struct BvtParameters
{
    /// <summary>The largest weight; the smallest is 1.</summary>
    public const int MaxWeight = 65535;

    /// <summary>The largest warp, warp limit and unwarp time: one hour.</summary>
    public const long MaxTimeNs = 3_600_000_000_000;

    /// <summary>Weight 1 and no warp.</summary>
    public static readonly BvtParameters Default = new() { Weight = 1 };

    /// <summary>The share: a vCPU gets <c>Weight / sum of weights</c> in the long run, warp or not.</summary>
    public required int Weight { get; init; }

    /// <summary>W: how far, in virtual time, it is put before the others while warped; 0 = never warps.</summary>
    public long WarpNs { get; init; }

    /// <summary>L: how long it may run warped since it last woke before it loses the warp; 0 = no limit.</summary>
    public long WarpLimitNs { get; init; }

    /// <summary>U: how long it then stays unwarped; 0 = until it next wakes from a voluntary block.</summary>
    public long UnwarpNs { get; init; }

    /// <summary>Whether the warp is switched off although it has a value.</summary>
    public bool WarpDisabled { get; init; }

    /// <summary>The warp that can apply: <see cref="WarpNs"/>, or 0 where it is switched off.</summary>
    public long UsableWarpNs => WarpDisabled ? 0 : WarpNs;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Weight, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Weight, MaxWeight);
        CheckTime(WarpNs);
        CheckTime(WarpLimitNs);
        CheckTime(UnwarpNs);
    }

    private static void CheckTime(long valueNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(valueNs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(valueNs, MaxTimeNs);
    }
}
