namespace Bulkhead.Devices.Backends.Limits;

/// <summary>Keeps what waits for its turn to a rate: who comes too early is told when to come again.</summary>
/// <remarks><i>Threading</i>: any.</remarks>
internal sealed class Throttle(RateLimit limit, Func<long> nowNs)
{
    private readonly Lock _lock = new();
    private TokenBucket _bucket;

    /// <summary>One that keeps to a limit; null where there is none.</summary>
    internal static Throttle? Of(RateLimit limit, Func<long> nowNs) => limit.IsSet ? new Throttle(limit, nowNs) : null;

    /// <summary>Takes so much; false, and nothing is taken, before <paramref name="againNs"/>.</summary>
    internal bool TryTake(int units, long bytes, out long againNs)
    {
        lock (_lock)
        {
            return _bucket.TryTake(limit, units, bytes, nowNs(), out againNs);
        }
    }
}
