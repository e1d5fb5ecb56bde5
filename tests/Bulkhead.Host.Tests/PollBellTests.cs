using System.Diagnostics;
using Bulkhead.Host.Threads;
using Xunit;

namespace Bulkhead.Host.Tests;

/// <summary>A thread that sleeps until it is rung, or for something else.</summary>
public sealed class PollBellTests
{
    [Fact]
    public void Ring_OfNobody_MakesTheNextWaitReturn()
    {
        using var bell = new PollBell();
        bell.Ring();
        bell.Wait(null, PollEvents.None);
        Assert.True(Sleeps(bell));
    }

    [Fact]
    public void Ring_OfASleeper_WakesIt()
    {
        using var bell = new PollBell();
        var sleeper = new Sleeper(() => bell.Wait(null, PollEvents.None));
        Assert.True(SpinWait.SpinUntil(bell.TryNote, 30_000));
        sleeper.Ends();
        bell.Wake();
        sleeper.Join();
        Assert.True(Sleeps(bell));
    }

    [Fact]
    public void Ring_ThatIsWrittenAfterItsSleeperWoke_LeavesItAsleepAgain()
    {
        using var bell = new PollBell();
        using var signal = new PollSignal();
        var sleeper = new Sleeper(() => bell.Wait(signal.Handle, PollEvents.Readable));
        Assert.True(SpinWait.SpinUntil(bell.TryNote, 30_000));
        sleeper.Ends();
        signal.Raise();
        sleeper.Join();
        bell.Wake();

        bell.Wait(null, PollEvents.None); // of that write
        Assert.True(Sleeps(bell));
    }

    [Fact]
    public void Ring_ThatIsWrittenAfterTheEnd_WritesNowhere()
    {
        var bell = new PollBell();
        bell.Dispose();
        bell.Wake();
    }

    // A wait that is interrupted ends early, and once in a while one may be.
    private static bool Sleeps(PollBell bell)
    {
        bool slept = false;
        for (int i = 0; i < 5 && !slept; i++)
        {
            long until = Stopwatch.GetTimestamp() + 20_000_000;
            bell.Wait(null, PollEvents.None, until);
            slept = Stopwatch.GetTimestamp() >= until;
        }

        return slept;
    }

    /// <summary>A thread that waits again and again until it is to end.</summary>
    private sealed class Sleeper
    {
        private readonly Thread _thread;
        private volatile bool _ends;

        internal Sleeper(Action wait)
        {
            _thread = new Thread(() =>
            {
                while (!_ends)
                {
                    wait();
                }
            })
            { IsBackground = true };
            _thread.Start();
        }

        internal void Ends() => _ends = true;

        internal void Join() => Assert.True(_thread.Join(30_000));
    }
}
