using System.Diagnostics;
using Bulkhead.Core.Time;
using Xunit;

namespace Bulkhead.Core.Tests;

public sealed class TimerQueueTests
{
    [Fact]
    public void Fire_AClientThatIsDueAgainForEver_Throws()
    {
        var queue = new TimerQueue(static () => { });
        queue.Arm(new Restless(queue, again: int.MaxValue), 5);

        _ = Assert.Throws<UnreachableException>(() => queue.Fire(10));
    }

    [Fact]
    public void Fire_AClientThatIsDueAgainAThousandTimes_FiresThemAll()
    {
        var queue = new TimerQueue(static () => { });
        var client = new Restless(queue, again: 1000);
        queue.Arm(client, 5);

        queue.Fire(10);

        Assert.Equal(1001, client.Fired);
        Assert.Equal(long.MaxValue, queue.NextDeadlineNs);
    }

    private sealed class Restless(TimerQueue queue, int again) : ITimerClient
    {
        internal int Fired { get; private set; }

        public void OnTimer(long nowNs)
        {
            if (Fired++ < again)
            {
                queue.Arm(this, nowNs);
            }
        }
    }
}
