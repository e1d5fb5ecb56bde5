using System.Collections.Concurrent;
using System.Diagnostics;
using Bulkhead.Devices.Executors;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Bulkhead.Devices.Tests.Executors;

public sealed class ThreadExecutorTests
{
    private const long Hour = 3_600_000_000_000;

    [Fact]
    public void Linger_UntilThereIsMore_IsTrue()
    {
        bool more = false;
        using var rig = new Rig(new Lingering(Hour, []), () => Volatile.Read(ref more));

        rig.Ring();
        Volatile.Write(ref more, true);

        Assert.True(rig.Next());
    }

    [Fact]
    public void Linger_Rung_IsTrue()
    {
        using var looks = new ManualResetEventSlim();
        using var rig = new Rig(new Lingering(Hour, []), () =>
        {
            looks.Set();
            return false;
        });

        rig.Ring();
        looks.Wait(TestContext.Current.CancellationToken);
        rig.Ring();

        Assert.True(rig.Next());
    }

    [Fact]
    public void Linger_NothingComes_EndsByItself()
    {
        using var rig = new Rig(new Lingering(1, []), static () => false);

        rig.Ring();

        Assert.False(rig.Next());
    }

    [Fact]
    public void Linger_OnCpusOfOthers_DoesNotLook()
    {
        using var rig = new Rig(new Lingering(Hour, [.. Enumerable.Range(0, 1024)]), static () => throw new InvalidOperationException("looked"));

        rig.Ring();

        Assert.False(rig.Next());
    }

    [Fact]
    public void Linger_WithoutLeave_DoesNotLook()
    {
        using var rig = new Rig(null, static () => throw new InvalidOperationException("looked"));

        rig.Ring();

        Assert.False(rig.Next());
    }

    [Fact]
    public void RingAt_Time_WorksAgainThen()
    {
        using var executor = new ThreadExecutor("test again");
        AssertWorksAgain(executor);
    }

    [Fact]
    public void RingAt_TimeOfAThreadThatWatches_WorksAgainThen()
    {
        using SafeFileHandle quiet = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        using var executor = new PollExecutor("test again", quiet);
        AssertWorksAgain(executor);
    }

    private static void AssertWorksAgain(IDeviceExecutor executor)
    {
        using var turns = new BlockingCollection<long>();
        long againNs = 0;
        executor.Start(
            () =>
            {
                turns.Add(Stopwatch.GetTimestamp());
                if (againNs == 0)
                {
                    executor.RingAt(againNs = Stopwatch.GetTimestamp() + 20_000_000);
                }
            },
            static e => throw e);
        _ = turns.Take();
        Assert.True(turns.Take() >= againNs);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(63, true)]
    [InlineData(64, false)]
    [InlineData(130, true)]
    [InlineData(1000, true)]
    public void IsAllowedOn_Cpu_IsOneThatIsNotTaken(int cpu, bool expected) => Assert.Equal(expected, new Lingering(1, [64, 0]).IsAllowedOn(cpu));

    /// <summary>An executor that slept once, and whose work then lingers once a ring.</summary>
    private sealed class Rig : IDisposable
    {
        private readonly ThreadExecutor _executor;
        private readonly BlockingCollection<object> _answers = [];

        public Rig(Lingering? lingering, Func<bool> more)
        {
            _executor = new ThreadExecutor("test linger", lingering);
            bool slept = false;
            _executor.Start(
                () =>
                {
                    _answers.Add(slept && _executor.Linger(more));
                    slept = true;
                },
                _answers.Add);
            Assert.False(Next()); // what it begins with
        }

        public void Ring() => _executor.Ring();

        public bool Next() => _answers.Take() is bool answer ? answer : throw new InvalidOperationException("the work threw");

        public void Dispose()
        {
            _executor.Ring();
            _executor.Dispose();
            _answers.Dispose();
        }
    }
}
