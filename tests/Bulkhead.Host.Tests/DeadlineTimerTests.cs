using System.Diagnostics;
using Bulkhead.Host.Time;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class DeadlineTimerTests
{
    [Fact]
    public void Wait_SetToATime_ReturnsNotBeforeIt()
    {
        using var timer = new DeadlineTimer();
        long due = Stopwatch.GetTimestamp() + 2_000_000;
        timer.Set(due);

        timer.Wait();

        Assert.True(Stopwatch.GetTimestamp() >= due);
    }

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(0)]
    public void Wait_TimeIsPast_Returns(long due)
    {
        using var timer = new DeadlineTimer();
        timer.Set(due);

        timer.Wait();
    }

    [Fact]
    public void Set_WhileAnotherSleepsUntilLater_MovesItsTime()
    {
        using var timer = new DeadlineTimer();
        timer.Set(long.MaxValue);
        var sleeper = new Thread(timer.Wait);
        sleeper.Start();

        timer.Set(0);

        sleeper.Join();
    }
}
