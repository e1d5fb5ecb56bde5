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
        priority.NoteIdle(1_000_000_000);
        Assert.Equal(0, priority.LentNs);
    }

    [Fact]
    public void Permitted_LendsAPartOfWhatItSlept_UntilItIsUsedUp()
    {
        Assert.SkipUnless(HostThread.MayBeRealTime(1), "The host permits no real-time priority.");
        var lent = new List<long>();
        var worker = new Thread(() =>
        {
            var priority = new WorkerPriority(1);
            priority.Begin();
            lent.Add(priority.LentNs);
            priority.NoteIdle(1_600_000);
            lent.Add(priority.LentNs);
            priority.NoteIdle(1_000_000_000);
            lent.Add(priority.LentNs);
            priority.NoteRan(100_000);
            lent.Add(priority.LentNs);
            priority.NoteRan(350_000);
            lent.Add(priority.LentNs); // too little to be worth while
            priority.NoteIdle(1_000_000_000);
            _ = priority.TryPrepareOrdinary();
            lent.Add(priority.LentNs);
            priority.Raise();
            lent.Add(priority.LentNs);
        });
        worker.Start();
        worker.Join();

        Assert.Equal([0, 200_000, 500_000, 400_000, 0, 0, 500_000], lent);
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
