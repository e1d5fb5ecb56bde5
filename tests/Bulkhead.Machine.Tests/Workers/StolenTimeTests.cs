using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

public sealed class StolenTimeTests
{
    private const long Now = 1L << 60; // no thread has had the CPU for so long

    [Theory]
    [InlineData(10_000, 4_000, 4_000)] // a short turn: what its timer was late
    [InlineData(10_000, -4_000, 0)] // ended before its time
    [InlineData(10_000, -Now, 0)] // ended by itself
    [InlineData(2_000_000, 3_000_000, 3_000_000)] // the timer was late by more than the thread missed
    public void End_TellsWhatTheHostTook(long ranNs, long lateNs, long taken)
    {
        var stolen = new StolenTime();
        stolen.Begin(Now);

        Assert.Equal(taken, stolen.End(Now + ranNs, lateNs));
    }

    [Fact]
    public void End_OfALongTurn_TellsWhatTheThreadMissed()
    {
        var stolen = new StolenTime();
        stolen.Begin(Now);

        Assert.InRange(stolen.End(Now + 5_000_000_000, lateNs: 0), 1_000_000_000, 5_000_000_000); // less what this test computed
    }
}
