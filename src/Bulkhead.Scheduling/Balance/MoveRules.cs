namespace Bulkhead.Scheduling.Balance;

/// <summary>When a vCPU may be moved, and where to.</summary>
/// <remarks><see cref="BvtPoolBounds"/> counts on them.</remarks>
public static class MoveRules
{
    /// <summary>Whether one that wants to run may be moved to a CPU that is idle.</summary>
    /// <remarks>Not one that was moved already since it woke: it waits on two CPUs at most.</remarks>
    /// <param name="waitingSinceNs">Since when it waits for its first turn after a sleep; 0 where it does not.</param>
    /// <param name="movedNs">When it was moved last.</param>
    public static bool MayFillIdle(long waitingSinceNs, long movedNs) => waitingSinceNs == 0 || waitingSinceNs > movedNs;

    /// <summary>Whether one that wants to run may be moved to even out shares.</summary>
    public static bool MayEven(long waitingSinceNs, long movedNs, long nowNs) =>
        waitingSinceNs == 0 && nowNs - movedNs >= PoolBalancer.HoldNs;

    /// <summary>Which CPUs are closed: those to which somebody was dealt that declares how long it can wait.</summary>
    /// <param name="homes">The CPU each vCPU was dealt to.</param>
    /// <param name="waits">Whether it declares how long it can wait.</param>
    /// <param name="cpus">How many CPUs there are.</param>
    public static bool[] Closed(ReadOnlySpan<int> homes, ReadOnlySpan<bool> waits, int cpus)
    {
        bool[] closed = new bool[cpus];
        for (int i = 0; i < homes.Length; i++)
        {
            closed[homes[i]] |= waits[i];
        }

        return closed;
    }

    /// <summary>Whether a vCPU may be on a CPU: where it was dealt to; others while they are open, where it is not bound to its own.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="home">The one it was dealt to.</param>
    /// <param name="waits">Whether it declares how long it can wait, and so stays there.</param>
    /// <param name="wanted">Whether the operator lets it be there.</param>
    /// <param name="closed">Which CPUs are closed.</param>
    public static bool MayBeOn(int cpu, int home, bool waits, bool wanted, ReadOnlySpan<bool> closed) =>
        cpu == home || (!waits && wanted && !closed[cpu]);
}
