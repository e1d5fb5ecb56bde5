using System.Collections.Concurrent;
using Bulkhead.Devices.Executors;
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
        using var rig = new Rig(new Lingering(Hour, []), static () => false);

        rig.Ring();
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
