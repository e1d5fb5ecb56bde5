using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Bulkhead.Host.Network;
using Xunit;

namespace Bulkhead.Cli.Tests;

/// <content>What clients do, or fail to do, ends their own sessions.</content>
public sealed partial class ControlTests
{
    private const string LongTrace = """{"verb":"trace","seconds":3600,"follow":true}""";

    [Fact]
    public void Trace_ASecondOne_IsRefusedAndTouchesNoFile()
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        string file = Path.Combine(_folder, "trace.json");
        File.WriteAllText(file, "kept");
        using (Socket first = Connect(LongTrace))
        {
            Assert.Contains("\"exitCode\":0", ReadLine(first), StringComparison.Ordinal);
            Assert.Equal((1, "bulkhead: a trace is being written already; wait until it is complete.\n"), Refused("trace", "-o", file));
            Assert.Equal("kept", File.ReadAllText(file));
        }

        Assert.Equal((2, "bulkhead: box has no network card 0; it has none.\n"), Refused("capture", "box", "-o", file));
        Assert.Equal("kept", File.ReadAllText(file));
        Assert.Equal("running", State("box"));
    }

    [Theory]
    [InlineData("""{"verb":"trace","seconds":1e308}""")]
    [InlineData("""{"verb":"trace","seconds":1e308,"follow":true}""")]
    [InlineData("""{"verb":"logs","domain":"box"}""")]
    [InlineData("""{"verb":"resize","domain":"box","values":{"size":null}}""")]
    [InlineData("""{"verb":null}""")]
    [InlineData("{")]
    public void Client_ThatAsksAndGoesAway_LeavesTheSystemRunning(string request)
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        for (int i = 0; i < 20; i++)
        {
            Connect(request).Dispose();
        }

        using Socket unread = Connect(request);
        Assert.Equal("running", State("box"));
        _ = Do("down");
        Assert.Equal(0, up.End().ExitCode);
    }

    [Fact]
    public void Client_ThereIsNoDescriptorFor_IsServedOnceThereIs()
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        Assert.Equal("running", State("box")); // what it takes to answer is loaded
        up.Limit("nofile=3:");

        // The kernel has a descriptor for the first of them since it waits; the second is not taken.
        Assert.True(UnixListener.IsServed(SocketPath("system")));
        using var second = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        second.Connect(new UnixDomainSocketEndPoint(SocketPath("system")));
        Assert.False(second.Poll(TimeSpan.FromMilliseconds(100), SelectMode.SelectRead));
        up.Limit("nofile=1024:");

        Assert.Equal("running", State("box"));
    }

    [Fact]
    public void Trace_WhenTheSystemEnds_IsComplete()
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        using Socket trace = Connect(LongTrace);
        Assert.NotEmpty(ReadLine(trace));
        _ = Do("down");

        using var json = JsonDocument.Parse(ReadToEnd(trace));
        Assert.Equal(JsonValueKind.Array, json.RootElement.ValueKind);
        Assert.Equal(0, up.End().ExitCode);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void TraceAndCapture_Interrupted_AreComplete(string signal)
    {
        string path = Write("{ name: box, kernel: circle, networks: [{ name: lan }] }", "{ name: other, kernel: circle }"); // the more turns, the sooner there is something in the file
        File.AppendAllText(path, "networks: [{ name: lan }]\n");
        using var up = new BulkheadProcess(_folder, ["up", path, "--grace", "1ms"]);
        Assert.NotNull(up.ReadLineWith("box| A"));
        string json = Path.Combine(_folder, "trace.json"), pcap = Path.Combine(_folder, "box.pcap");
        using var trace = new BulkheadProcess(_folder, ["trace", "-o", json, "--duration", "1h"]);
        using var capture = new BulkheadProcess(_folder, ["capture", "box", "-o", pcap]);
        foreach (string file in (string[])[json, pcap])
        {
            while (!File.Exists(file) || new FileInfo(file).Length == 0)
            {
                Assert.Equal("running", State("box"));
            }
        }

        trace.Signal(signal);
        capture.Signal(signal);
        Assert.Equal((0, string.Empty, string.Empty), trace.End());
        Assert.Equal((0, string.Empty, string.Empty), capture.End());
        Assert.NotEmpty(JsonDocument.Parse(File.ReadAllText(json)).RootElement.EnumerateArray());
        Assert.Equal(24, File.ReadAllBytes(pcap).Length);
        Assert.StartsWith("[", Do("trace", "-o", "-", "--last", "1s"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kill")]
    [InlineData("stop")]
    [InlineData("down")]
    public void Restart_Pending_IsOffOnceTheDomainIsEnded(string verb)
    {
        using var up = Up("{ name: box, kernel: circle }", "{ name: other, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("other| A"));
        _ = Do("pause", "other");
        using var restart = new BulkheadProcess(_folder, ["restart", "other", "--time", "1h"]);
        while (State("other") != "stopping")
        {
            // Until the request has come.
        }

        _ = verb == "stop" ? Do("stop", "other", "--time", "0") : verb == "kill" ? Do("kill", "other") : Do("down");
        (int code, _, string errors) = restart.End();
        Assert.Equal((1, "bulkhead: other was stopped meanwhile, and does not start again.\n"), (code, errors));
        if (verb != "down")
        {
            Assert.Equal("exited", State("other"));
            _ = Do("down");
        }

        Assert.Equal(0, up.End().ExitCode);
    }

    [Theory]
    [InlineData("kill")]
    [InlineData("stop")]
    public void Stop_OfADomainThatWouldStartAgain_OrOfTheLastOne_IsDone(string verb)
    {
        using var up = Up("{ name: box, kernel: circle }", "{ name: bad, kernel: crash, restart: { when: always, backoff: 1h, longest: 1h } }");
        Assert.NotNull(up.ReadLineWith("starts again in "));
        Assert.Equal("bad: exited\n", Do(verb, "bad"));
        Assert.Equal("box: exited\n", Do(verb, "box"));
        _ = up.End();
    }

    [Fact]
    public void Ps_SystemThatDoesNotAnswer_IsNamed_AndTheOthersAreShown()
    {
        long before = Stopwatch.GetTimestamp();
        using var up = Up("{ name: box, kernel: circle, ready: Z }", "{ name: late, kernel: circle, depends_on: [box] }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        using var stuck = UnixListener.Open(SocketPath("stuck"));
        using var ps = new BulkheadProcess(_folder, ["ps", "--json"]);

        (int code, string output, string errors) = ps.End();
        Assert.Equal((0, "bulkhead: system stuck does not answer.\n"), (code, errors));
        JsonElement system = Assert.Single(JsonDocument.Parse(output).RootElement.EnumerateArray());
        JsonElement late = system.GetProperty("domains")[1];
        Assert.Equal("waiting", late.GetProperty("state").GetString());
        Assert.InRange(late.GetProperty("seconds").GetDouble(), 0, Stopwatch.GetElapsedTime(before).TotalSeconds);
        Assert.Equal((1, "bulkhead: no system stick is running; did you mean stuck?\n"), Refused("ps", "--system", "stick"));
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void Ps_ASocketLeftOver_IsNotWhatWasMeant()
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(SocketPath("two"))!, (UnixFileMode)0x1C0); // The path has a folder.
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(SocketPath("two")));
            Assert.Equal((1, "bulkhead: no system two is running.\n"), Refused("ps", "--system", "two"));
        }
    }

    [Fact]
    public void Top_NobodyReads_Ends()
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        using var top = new BulkheadProcess(_folder, ["top"]);
        Assert.NotNull(top.ReadLineWith("box"));
        Assert.Equal(0, top.EndUnread());
    }

    [Fact]
    public void Clients_ThatSayNothingOrStay_LeaveRoomForOthers()
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        Socket[] following = [.. Enumerable.Range(0, 64).Select(_ => Connect("""{"verb":"logs","domain":"box","follow":true}"""))];
        Assert.All(following, static s => Assert.Contains("\"exitCode\":0", ReadLine(s), StringComparison.Ordinal));
        Assert.Equal((1, "bulkhead: system system has 64 clients already that read logs, consoles, traces and captures; end some of them.\n"), Refused("logs", "box"));
        Assert.Equal("running", State("box"));

        Socket[] silent = [.. Enumerable.Range(0, 65).Select(_ => Connect())];
        Assert.Contains("has 64 clients already whose requests are not answered yet", ReadLine(silent[^1]), StringComparison.Ordinal);
        Assert.All(silent[..^1], static s => Assert.Contains("no request came within", ReadLine(s), StringComparison.Ordinal));
        Assert.Equal("running", State("box"));
        Array.ForEach([.. following, .. silent], static s => s.Dispose());
    }

    [Theory]
    [InlineData("link ", "box")]
    [InlineData("link box ", "down up")]
    [InlineData("link box:0 u", "up")]
    [InlineData("resize bo", "box")]
    [InlineData("capture ", "box")]
    [InlineData("stop --system ", "system")]
    public void Completion_OffersWhatBelongsThere(string line, string expected)
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        IEnumerable<string> words = Do($"[suggest:{line.Length}]", line).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static w => !w.StartsWith('-') && !w.StartsWith('/'));

        Assert.Equal(expected, string.Join(' ', words.Order(StringComparer.Ordinal)));
    }

    private string SocketPath(string system) => Path.Combine(_folder, "bulkhead", system + ".sock");

    // Clients that are no programs of ours.
    private Socket Connect(string? request = null)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(SocketPath("system")));
        _ = request is null ? 0 : socket.Send(Encoding.UTF8.GetBytes(request + "\n"));
        return socket;
    }

    private static string ReadLine(Socket socket) => Read(socket, static b => b == '\n');

    private static string ReadToEnd(Socket socket) => Read(socket, static _ => false);

    private static string Read(Socket socket, Func<byte, bool> isEnd)
    {
        var text = new List<byte>();
        byte[] next = new byte[1];
        while (socket.Receive(next) > 0 && !isEnd(next[0]))
        {
            text.Add(next[0]);
        }

        return Encoding.UTF8.GetString([.. text]);
    }
}
