using Bulkhead.Host.Threads;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

public sealed class WorkerPriorityTests
{
    [Fact]
    public void NotPermitted_IsNeverOrdinary()
    {
        var priority = new WorkerPriority(0);
        priority.Begin();

        Assert.False(priority.TryPrepareOrdinary());
        Assert.False(priority.IsOrdinary);
        priority.Raise();
    }

    [Fact]
    public void Permitted_IsOrdinaryUntilRaised_AlsoByAnotherThread()
    {
        Assert.SkipUnless(HostThread.MayBeRealTime(1), "The host permits no real-time priority.");
        bool asked = false;
        var worker = new Thread(() => asked = Run());
        worker.Start();
        worker.Join();
        Assert.True(asked);

        static bool Run()
        {
            var priority = new WorkerPriority(1);
            priority.Begin();
            Assert.True(priority.TryPrepareOrdinary());
            Assert.True(priority.IsOrdinary);
            Assert.False(priority.TryPrepareOrdinary());
            priority.BeOrdinary();
            Assert.True(priority.IsOrdinary);
            var other = new Thread(priority.Raise);
            other.Start();
            other.Join();
            Assert.False(priority.IsOrdinary);

            // Raised between the two calls, it stays so.
            Assert.True(priority.TryPrepareOrdinary());
            priority.Raise();
            priority.BeOrdinary();
            return !priority.IsOrdinary && priority.TryPrepareOrdinary();
        }
    }
}
