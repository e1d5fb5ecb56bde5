using Bulkhead.Host.Threads;
using Xunit;

namespace Bulkhead.Host.Tests;

/// <summary>News of this process itself.</summary>
public sealed class PollSignalTests
{
    [Fact]
    public void Raise_EveryTime_IsNewsOnce()
    {
        using var set = new PollSet();
        using var signal = new PollSignal();
        Assert.True(set.TryAdd(signal.Handle, 9));
        var news = new PollReady[4];
        _ = set.Take(news); // it can be written
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(0, set.Take(news));
            signal.Raise();
            Assert.Equal(1, set.Take(news));
            Assert.Equal(9ul, news[0].Key);
        }

        Assert.Equal(0, set.Take(news));
    }

    [Fact]
    public void Raise_AfterTheEnd_WritesNowhere()
    {
        var signal = new PollSignal();
        signal.Dispose();
        Assert.Throws<ObjectDisposedException>(signal.Raise);
    }
}
