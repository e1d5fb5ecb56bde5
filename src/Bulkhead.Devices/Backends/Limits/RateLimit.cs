namespace Bulkhead.Devices.Backends.Limits;

/// <summary>How much may pass; 0: any number.</summary>
/// <param name="UnitsPerSecond">So many frames, segments counted each, or requests.</param>
/// <param name="BytesPerSecond">So many bytes.</param>
/// <param name="BurstNs">So much time's worth may pass at once after a rest.</param>
public readonly record struct RateLimit(long UnitsPerSecond, long BytesPerSecond, long BurstNs = RateLimit.DefaultBurstNs)
{
    /// <summary>The burst of a limit that says nothing of it.</summary>
    public const long DefaultBurstNs = 100_000_000;

    /// <summary>Whether there is a limit.</summary>
    public bool IsSet => UnitsPerSecond > 0 || BytesPerSecond > 0;
}
