using System.Net.Sockets;
using Bulkhead.Host.Network;
using Xunit;

namespace Bulkhead.Host.Tests;

/// <summary>Where a socket may stand, and who takes what comes.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class UnixListenerTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("listen").FullName, "s");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path) ?? string.Empty, recursive: true);

    [Fact]
    public void Socket_IsItsUsers_AndGoneAtTheEnd()
    {
        using (UnixListener.Open(_path))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_path));
            Assert.True(UnixListener.IsServed(_path));
        }

        Assert.False(File.Exists(_path));
        Assert.False(UnixListener.IsServed(_path));
    }

    [Fact]
    public void SocketNobodyListensAt_IsTakenOver()
    {
        using var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        left.Bind(new UnixDomainSocketEndPoint(_path)); // and never listens, as after a crash
        Assert.False(UnixListener.IsServed(_path));

        using UnixListener listener = UnixListener.Open(_path);

        Assert.True(UnixListener.IsServed(_path));
    }

    [Fact]
    public void SocketSomebodyListensAt_Stays()
    {
        using UnixListener first = UnixListener.Open(_path);

        AssertRefused(_path, "somebody listens there already");
        Assert.True(UnixListener.IsServed(_path));
    }

    [Fact]
    public void SocketWithAFullQueue_IsServed()
    {
        using var busy = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        busy.Bind(new UnixDomainSocketEndPoint(_path));
        busy.Listen(0);
        UnixAddress address = Assert.IsType<UnixAddress>(UnixAddress.TryCreate(_path));
        using StreamSocket? waits = StreamSocket.Connect(address);
        Assert.Null(StreamSocket.Connect(address));

        Assert.True(UnixListener.IsServed(_path));
        AssertRefused(_path, "somebody listens there already");
    }

    [Fact]
    public void File_Stays()
    {
        File.WriteAllText(_path, "precious");

        AssertRefused(_path, "there is a file of that name");
        Assert.Equal("precious", File.ReadAllText(_path));
    }

    [Fact]
    public void Path_ThatIsTooLong_IsRefused() => AssertRefused(_path + new string('s', 120), "at most 107 bytes");

    [Fact]
    public void Folder_ThatIsNotThere_IsRefused() => AssertRefused(Path.Combine(_path, "s"), "No such file or directory");

    [Fact]
    public void Accept_ThatDoesNotWait_TakesWhatIsThere()
    {
        using UnixListener listener = UnixListener.Open(_path);
        Assert.Null(listener.Accept());

        using StreamSocket? there = StreamSocket.Connect(Assert.IsType<UnixAddress>(UnixAddress.TryCreate(_path)));
        using StreamSocket? here = listener.Accept();

        Assert.NotNull(here);
        Assert.Null(listener.Accept());
    }

    [Fact]
    public void Accept_ThatWaits_EndsWithTheListener()
    {
        UnixListener listener = UnixListener.Open(_path, waits: true);
        using var taken = new ManualResetEventSlim();
        int count = 0;
        var thread = new Thread(() =>
        {
            while (listener.Accept()?.ToSocket() is { } socket)
            {
                using (socket)
                {
                    _ = socket.Send("hello"u8); // it waits for its bytes like any other
                    count += socket.Receive(new byte[9]);
                }

                taken.Set();
            }
        });
        thread.Start();
        using (var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            client.Connect(new UnixDomainSocketEndPoint(_path));
            Assert.Equal(5, client.Receive(new byte[9]));
            _ = client.Send("you"u8);
            taken.Wait(TestContext.Current.CancellationToken);
        }

        listener.Dispose();
        thread.Join();

        Assert.Equal(3, count);
        Assert.Null(listener.Accept());
    }

    [Fact]
    public void ClientThatWentBeforeItWasTaken_IsAtItsEnd()
    {
        using UnixListener listener = UnixListener.Open(_path, waits: true);
        Assert.True(UnixListener.IsServed(_path)); // connects, and goes

        using Socket? client = listener.Accept()?.ToSocket();

        Assert.Equal(0, client?.Receive(new byte[1]));
    }

    private static void AssertRefused(string path, string words)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => UnixListener.Open(path, what: "here ").Dispose());
        Assert.Equal(2, e.ExitCode);
        Assert.StartsWith($"here {path}: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }
}
