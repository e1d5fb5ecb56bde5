namespace Bulkhead.Core.Time;

/// <summary>A domain's time.</summary>
/// <remarks><i>Units</i>: nanoseconds since an arbitrary start, monotonic; TSC in its own ticks. <i>Threading</i>: any.</remarks>
public interface IClock
{
    /// <summary>Now, in nanoseconds.</summary>
    long NowNs { get; }

    /// <summary>What RDTSC gives the guest now.</summary>
    ulong GuestTsc { get; }

    /// <summary>The TSC's frequency in Hz.</summary>
    ulong TscHz { get; }

    /// <summary>When the guest's TSC reaches <paramref name="guestTsc"/>, in nanoseconds of <see cref="NowNs"/>.</summary>
    long WhenTsc(ulong guestTsc);
}
