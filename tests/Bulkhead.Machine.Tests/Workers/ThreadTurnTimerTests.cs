using System.Diagnostics;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

public sealed class ThreadTurnTimerTests
{
    private const long FarNs = 3_600_000_000_000;

    // Deadlines that move while the sleeper is about to sleep until another: one that is lost hangs the test.
    [Fact]
    public void Arm_MovedToAndFro_FiresOnceForTheLastAndNotBefore()
    {
        using var fired = new SemaphoreSlim(0);
        long firedNs = 0;
        using var timer = new ThreadTurnTimer(() =>
        {
            firedNs = Stopwatch.GetTimestamp();
            _ = fired.Release();
        });
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            timer.Arm(Stopwatch.GetTimestamp() + FarNs);
            Thread.SpinWait(random.Next(2000));
            timer.Arm(Stopwatch.GetTimestamp() + FarNs + 1);
            long due = Stopwatch.GetTimestamp() + random.Next(20_000);
            timer.Arm(due);

            fired.Wait(TestContext.Current.CancellationToken);

            Assert.True(firedNs >= due);
        }

        Assert.Equal(0, fired.CurrentCount);
    }
}
