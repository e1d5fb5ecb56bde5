namespace Bulkhead.Devices.Chipset;

/// <summary>A crystal: nanoseconds to ticks and back without rounding drift.</summary>
/// <remarks>
/// Whole seconds are converted apart from the rest, so 64 bits suffice and the result is the exact floor (or ceiling)
/// for every frequency up to some 9 GHz.
/// </remarks>
internal readonly struct TickRate(ulong hz)
{
    private const ulong NsPerSecond = 1_000_000_000;

    /// <summary>Whole ticks at <paramref name="ns"/>.</summary>
    public ulong FromNs(long ns)
    {
        ulong seconds = (ulong)ns / NsPerSecond;
        ulong rest = (ulong)ns - (seconds * NsPerSecond);
        return (seconds * hz) + (rest * hz / NsPerSecond);
    }

    /// <summary>The first nanosecond at which <see cref="FromNs"/> reaches <paramref name="ticks"/>.</summary>
    public long ToNs(ulong ticks)
    {
        ulong seconds = ticks / hz;
        ulong rest = ticks - (seconds * hz);
        return (long)((seconds * NsPerSecond) + (((rest * NsPerSecond) + hz - 1) / hz));
    }
}
