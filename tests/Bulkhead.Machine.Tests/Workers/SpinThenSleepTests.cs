using System.Diagnostics;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

public sealed class SpinThenSleepTests
{
    [Fact]
    public void Wait_LongerThanItSpins_SpinsNoMore()
    {
        var idle = new SpinThenSleep(1_000);
        Assert.True(idle.Spins);

        idle.Wait(Stopwatch.GetTimestamp() + 1_000_000, prompt: false);

        Assert.False(idle.Spins);
    }

    [Fact]
    public void Wait_RungMeanwhile_SpinsAgain()
    {
        var idle = new SpinThenSleep(100_000_000);
        idle.Wait(Stopwatch.GetTimestamp() + 300_000_000, prompt: false);
        Assert.False(idle.Spins);
        idle.Ring();

        idle.Wait(long.MaxValue, prompt: false);

        Assert.True(idle.Spins);
    }

    [Fact]
    public void Wait_Prompt_IsBackBeforeTheDeadline_AndThenSpinsUpToIt()
    {
        var idle = new SpinThenSleep(10_000_000_000);
        long deadline = Stopwatch.GetTimestamp() + 2_000_000;

        idle.Wait(deadline, prompt: true);

        Assert.True(Stopwatch.GetTimestamp() >= deadline);
    }
}
