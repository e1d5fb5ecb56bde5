namespace Bulkhead.Machine.Tracing;

/// <summary>The time in which a pool's CPUs are shared by the same rules: what waits in it are held against.</summary>
/// <remarks><i>Threading</i>: any. A vCPU is in the new one from before anything changes; it begins when every worker of the pool goes by the
/// new rules. What was woken before that, and dispatched in it, was ruled by both.</remarks>
public abstract class ScheduleEra
{
    private long _sinceNs = long.MaxValue;

    /// <summary>Since when; 0 for the system's first, <see cref="long.MaxValue"/> before it begins.</summary>
    public long SinceNs => Volatile.Read(ref _sinceNs);

    /// <summary>Whether what was woken then, and dispatched in this era, was ruled by it alone.</summary>
    public bool Covers(long wokenNs) => wokenNs >= SinceNs;

    /// <summary>From now on its rules hold.</summary>
    public void Begin(long nowNs) => Volatile.Write(ref _sinceNs, nowNs);
}
