namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>Keeps to a rate, with bursts of a tenth of a second's worth, or one frame.</summary>
/// <remarks><i>Shape</i>: rather than tokens it holds when the bucket is full again, so that nothing is to be filled.
/// <i>Threading</i>: one.</remarks>
internal struct TokenBucket
{
    private const long BurstNs = 100_000_000;
    private const long SecondNs = 1_000_000_000;

    private long _framesFullNs;
    private long _bytesFullNs;

    /// <summary>Takes so much; false, and nothing is taken, where it would be too much.</summary>
    internal bool TryTake(in RateLimit limit, int frames, int bytes, long nowNs)
    {
        long framesNs = Math.Max(_framesFullNs, nowNs);
        long bytesNs = Math.Max(_bytesFullNs, nowNs);
        if (framesNs - nowNs > BurstNs || bytesNs - nowNs > BurstNs)
        {
            return false;
        }

        _framesFullNs = limit.FramesPerSecond > 0 ? framesNs + (frames * SecondNs / limit.FramesPerSecond) : 0;
        _bytesFullNs = limit.BytesPerSecond > 0 ? bytesNs + (bytes * SecondNs / limit.BytesPerSecond) : 0;
        return true;
    }
}
