using Bulkhead.Cli.Systems;
using Bulkhead.Core.Time;
using CsCheck;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class MarkedHistogramTests
{
    private static readonly double[] s_percents = [50, 99, 99.9, 100];

    private enum Step
    {
        Ask,
        Mark,
        MarkCounted,
        AddFirst,
        AddSecond,
    }

    [Fact]
    public void Ns_AfterAnything_IsThatOfAFreshCount() =>
        Gen.Select(Gen.Enum<Step>(), Gen.Long[0, 1L << 40]).Array[0, 60].Sample(steps =>
        {
            LatencyHistogram first = new(), second = new();
            var marked = new MarkedHistogram(first, second);
            var added = new List<long>();
            int counted = 0;
            foreach ((Step step, long ns) in steps)
            {
                switch (step)
                {
                    case Step.Ask:
                        counted = added.Count;
                        Assert.Equal(s_percents.Select(p => Fresh(added, p)), s_percents.Select(marked.Ns));
                        break;
                    case Step.Mark:
                        marked.Mark();
                        added.Clear();
                        counted = 0;
                        break;
                    case Step.MarkCounted:
                        marked.MarkCounted();
                        added.RemoveRange(0, counted);
                        counted = 0;
                        break;
                    default:
                        (step == Step.AddFirst ? first : second).Add(ns);
                        added.Add(ns);
                        break;
                }
            }
        });

    private static long? Fresh(List<long> added, double percent)
    {
        var histogram = new LatencyHistogram();
        added.ForEach(histogram.Add);
        long[] counts = new long[LatencyHistogram.Classes];
        histogram.AddTo(counts);
        return LatencyHistogram.TryPercentile(counts, percent, out long ns) ? ns : null;
    }
}
