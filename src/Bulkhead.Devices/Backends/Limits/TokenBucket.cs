namespace Bulkhead.Devices.Backends.Limits;

/// <summary>Keeps to a rate, with bursts of some time's worth, or of one unit.</summary>
/// <remarks><i>Shape</i>: rather than tokens it holds when the bucket is full again, so that nothing is to be filled.
/// <i>Threading</i>: one.</remarks>
internal struct TokenBucket
{
    private const long SecondNs = 1_000_000_000;

    private long _unitsFullNs;
    private long _bytesFullNs;

    /// <summary>Takes so much; false, and nothing is taken, where it would be too much before <paramref name="againNs"/>.</summary>
    internal bool TryTake(in RateLimit limit, int units, long bytes, long nowNs, out long againNs)
    {
        long unitsNs = Math.Max(_unitsFullNs, nowNs);
        long bytesNs = Math.Max(_bytesFullNs, nowNs);
        againNs = Math.Max(unitsNs, bytesNs) - limit.BurstNs;
        if (againNs > nowNs)
        {
            return false;
        }

        _unitsFullNs = limit.UnitsPerSecond > 0 ? unitsNs + (units * SecondNs / limit.UnitsPerSecond) : 0;
        _bytesFullNs = limit.BytesPerSecond > 0 ? bytesNs + (bytes * SecondNs / limit.BytesPerSecond) : 0;
        return true;
    }
}
