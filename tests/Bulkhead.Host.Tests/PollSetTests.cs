using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Bulkhead.Host.Tests;

/// <summary>News of many descriptors behind one.</summary>
public sealed class PollSetTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("poll").FullName, "s");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path) ?? string.Empty, recursive: true);

    [Fact]
    public void News_IsToldOnce_AndAgainAfterAChange()
    {
        using var set = new PollSet();
        using UnixListener listener = UnixListener.Open(_path);
        Assert.True(set.TryAdd(listener.Handle, 7));
        var news = new PollReady[4];
        Assert.Equal(0, set.Take(news));

        using StreamSocket? there = StreamSocket.Connect(Address());
        using StreamSocket? here = Accept(set, listener, news);
        Assert.True(set.TryAdd(here!.Handle, ulong.MaxValue)); // it was accepted
        Assert.Equal(1, set.Take(news));
        Assert.Equal(new PollReady(ulong.MaxValue, PollEvents.Writable), news[0]);
        Assert.Equal(0, set.Take(news));

        Assert.Equal(3, there!.Send([1, 2, 3]));
        Assert.Equal(1, set.Take(news));
        Assert.Equal(PollEvents.Readable | PollEvents.Writable, news[0].Events);
        Assert.Equal(0, set.Take(news));
        there.Dispose();
        Assert.Equal(1, set.Take(news));
        Assert.True((news[0].Events & PollEvents.HungUp) != 0);
        byte[] data = new byte[5];
        Assert.Equal(3, here.Receive(data));
        Assert.Equal(-1, here.Receive(data));
    }

    [Fact]
    public void Bell_WakesForTheSet()
    {
        using var set = new PollSet();
        using var bell = new PollBell();
        using StreamSocket end = StreamSocket.CreatePair(out SafeFileHandle other);
        using (other)
        {
            Assert.True(set.TryAdd(end.Handle, 1)); // it can be written to: there is news
            bell.Wait(set.Handle, PollEvents.Readable);
            Assert.Equal(1, set.Take(new PollReady[1]));
        }
    }

    private UnixAddress Address() => UnixAddress.TryCreate(_path) ?? throw new InvalidOperationException($"{_path} is too long.");

    private static StreamSocket? Accept(PollSet set, UnixListener listener, PollReady[] news)
    {
        Assert.Equal(1, set.Take(news));
        Assert.Equal(7ul, news[0].Key);
        return listener.Accept();
    }
}
