using Bulkhead.Devices.Backends.Limits;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Limits;

public sealed class ThrottleTests
{
    private const long Ms = 1_000_000;

    private long _nowNs = 77 * Ms;

    [Fact]
    public void TryTake_WithoutABurst_SpacesUnits()
    {
        var throttle = new Throttle(new RateLimit(100, 0, 0), () => _nowNs);
        for (int i = 0; i < 5; i++)
        {
            Assert.True(throttle.TryTake(1, 0, out _));
            Assert.False(throttle.TryTake(1, 0, out long again));
            Assert.Equal(_nowNs + (10 * Ms), again);
            _nowNs = again;
        }
    }

    [Fact]
    public void TryTake_AfterARest_LetsTheBurstPassAndNoMore()
    {
        var throttle = new Throttle(new RateLimit(0, 1000, 500 * Ms), () => _nowNs);
        Assert.True(throttle.TryTake(1, 500, out _));
        Assert.True(throttle.TryTake(1, 1, out _)); // the bucket is not over its rim yet
        Assert.False(throttle.TryTake(1, 1, out long again));
        Assert.Equal(_nowNs + Ms, again);
        _nowNs += 3_600_000 * Ms;
        Assert.True(throttle.TryTake(1, 501, out _));
        Assert.False(throttle.TryTake(1, 1, out _));
    }

    [Fact]
    public void TryTake_RequestLargerThanTheBurst_PassesAndIsPaidFor()
    {
        var throttle = new Throttle(new RateLimit(0, 1 << 20, 100 * Ms), () => _nowNs);
        Assert.True(throttle.TryTake(1, 4 << 20, out _));
        Assert.False(throttle.TryTake(1, 1, out long again));
        Assert.Equal(_nowNs + (3900 * Ms), again);
    }

    [Fact]
    public void TryTake_TheStricterOfTwo_Counts()
    {
        var throttle = new Throttle(new RateLimit(1000, 1000, 0), () => _nowNs);
        Assert.True(throttle.TryTake(1, 10, out _));
        Assert.False(throttle.TryTake(1, 10, out long again));
        Assert.Equal(_nowNs + (10 * Ms), again);
    }

    /// <summary>Whoever comes again when it is told gets the rate, and never more than that and a burst. Of two limits, one loses what it
    /// had left while the other is waited for.</summary>
    [Fact]
    public void TryTake_GreedyClient_GetsTheRateOverAnyTime() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 5000], Gen.Int[1, 1 << 20], Gen.Int[0, 300], Gen.Int[1, 9000].Array[20, 60]).Sample(
            (kinds, units, bytes, burstMs, sizes) =>
            {
                var limit = new RateLimit(kinds == 2 ? 0 : units, kinds == 1 ? 0 : bytes, burstMs * Ms);
                long begun = _nowNs;
                var throttle = new Throttle(limit, () => _nowNs);
                long taken = 0;
                int count = 0;
                foreach (int size in sizes)
                {
                    while (!throttle.TryTake(1, size, out long again))
                    {
                        Assert.True(again > _nowNs);
                        _nowNs = again;
                    }

                    // What passed before this one fits into the time and the burst; and it waited no longer than it had to.
                    double room = (_nowNs - begun + limit.BurstNs) / 1e9;
                    double ofBytes = kinds == 1 ? 0 : taken / (double)bytes;
                    double ofUnits = kinds == 2 ? 0 : count / (double)units;
                    Assert.True(Math.Max(ofBytes, ofUnits) <= room + 1e-6, $"{count} units, {taken} bytes in {room} s");
                    Assert.True(kinds == 0 || _nowNs == begun || Math.Max(ofBytes, ofUnits) >= room - 1e-6, "it waited too long");
                    (taken, count) = (taken + size, count + 1);
                }
            },
            threads: 1);
}
