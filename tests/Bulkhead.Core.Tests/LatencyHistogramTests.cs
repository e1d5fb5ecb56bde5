using Bulkhead.Core.Time;
using CsCheck;
using Xunit;

namespace Bulkhead.Core.Tests;

public sealed class LatencyHistogramTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(7, 7)]
    [InlineData(15, 15)]
    [InlineData(16, 17)]
    [InlineData(-5, 0)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public void TryPercentile_OneDuration_IsTheEndOfItsClass(long ns, long expected) => Assert.Equal(expected, Percentile(99, ns));

    [Fact]
    public void TryPercentile_NinetyNineOfHundred_LeavesOutTheLongest() =>
        Assert.Equal(5, Percentile(99, [.. Enumerable.Repeat(5L, 99), 1_000_000]));

    [Fact]
    public void TryPercentile_TwoOfHundredAreLong_IsLong() =>
        Assert.InRange(Percentile(99, [.. Enumerable.Repeat(5L, 98), 1_000_000, 1_000_000]), 1_000_000, 1_125_000);

    [Fact]
    public void TryPercentile_Nothing_SaysSo() => Assert.False(LatencyHistogram.TryPercentile(new long[LatencyHistogram.Classes], 99, out _));

    [Fact]
    public void TryPercentile_AnyDuration_IsNeverTooShortAndAnEighthTooLongAtMost() =>
        Gen.Long[0, long.MaxValue].Sample(ns =>
        {
            long found = Percentile(100, ns);
            return found >= ns && found - ns <= ns / 8;
        });

    [Fact]
    public void Add_Any_AllocatesNothing()
    {
        var histogram = new LatencyHistogram();

        Assert.Equal(0, Allocations.LeastBytes(() => histogram.Add(12345)));
    }

    private static long Percentile(int percent, params long[] durations)
    {
        var histogram = new LatencyHistogram();
        foreach (long ns in durations)
        {
            histogram.Add(ns);
        }

        long[] counts = new long[LatencyHistogram.Classes];
        histogram.AddTo(counts);
        Assert.True(LatencyHistogram.TryPercentile(counts, percent, out long found));
        return found;
    }
}
