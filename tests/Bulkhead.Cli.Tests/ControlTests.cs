using System.Net.Sockets;
using System.Text.Json;
using Bulkhead.Machine.Tests.Boot;
using Xunit;

namespace Bulkhead.Cli.Tests;

/// <summary>A running system and the commands that speak to it, each a process of its own.</summary>
public sealed partial class ControlTests : IDisposable
{
    // Prints "A", then jumps in a circle of its own.
    private static readonly byte[] s_circle =
    [
        0x66, 0xBA, 0xF8, 0x03, 0xB0, (byte)'A', 0xEE, 0xB0, (byte)'\n', 0xEE, 0xF3, 0x90, 0xEB, 0xFC,
    ];

    // Sends back what it receives, for ever.
    private static readonly byte[] s_echo =
    [
        0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xF7, 0x66, 0xBA, 0xF8, 0x03, 0xEC, 0xEE, 0xEB, 0xEF,
    ];

    // Prints "A", then has no IDT and an invalid instruction: a triple fault.
    private static readonly byte[] s_crash = [.. s_circle[..10], 0x0F, 0x01, 0x1D, 0x00, 0x00, 0x00, 0x02, 0x0F, 0x0B];

    // Prints "A", then powers off.
    private static readonly byte[] s_job = [.. s_circle[..10], 0x66, 0xBA, 0x04, 0x06, 0x66, 0xB8, 0x00, 0x34, 0x66, 0xEF, 0xF4];

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-control").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Verbs_OnARunningSystem_DoWhatTheySay()
    {
        using var up = Up("{ name: box, kernel: circle }", "{ name: other, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));

        Assert.Equal((1, "bulkhead: no running system has a domain boxx; there are box, other; did you mean box?\n"), Refused("stop", "boxx"));
        Assert.Equal("box: paused\n", Do("pause", "box"));
        Assert.Equal((1, "bulkhead: box is not running, or paused already.\n"), Refused("pause", "box"));
        Assert.Equal("paused", State("box"));
        Assert.Equal("box: running\n", Do("resume", "box"));
        Assert.Equal("box: exited\n", Do("stop", "box", "--time", "1ms"));
        Assert.Equal((1, "bulkhead: box is not running.\n"), Refused("kill", "box"));
        Assert.Equal((137, "stopped by the operator, by force: it did not end within 1ms of the power button"), LastEnd("box"));
        Assert.Contains(Do("start", "box"), (string[])["box: booting\n", "box: running\n"]);
        Assert.EndsWith("\nbox\nother\n", Do("[suggest:5]", "stop "), StringComparison.Ordinal);
        Assert.NotNull(up.ReadLineWith("box| A"));
        Assert.Equal("box: exited\n", Do("kill", "box"));
        Assert.Equal((137, "killed by the operator"), LastEnd("box"));
        Assert.Equal("A\nA\n", Do("logs", "box"));
        Assert.Equal("A\n", Do("logs", "box", "-n", "1"));
        Assert.Equal("running", State("other"));
        _ = Do("down");
        Assert.False(File.Exists(SocketPath("system")));
        Assert.NotNull(up.ReadLineWith("other: stopped by the operator"));
        _ = up.End();
        Assert.Equal((1, "bulkhead: no system is running; 'bulkhead up FILE' starts one.\n"), Refused("stop", "box"));
    }

    [Fact]
    public void Ps_AfterAnotherLife_CountsItsExitsAsWell()
    {
        using var up = Up("{ name: box, kernel: circle }", "{ name: other, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        _ = Do("kill", "box");
        Assert.Equal("exited", State("box"));
        long first = Domain("box").GetProperty("totalExits").GetInt64();

        _ = Do("start", "box");
        Assert.NotNull(up.ReadLineWith("box| A"));
        _ = Do("kill", "box");

        Assert.InRange(Domain("box").GetProperty("totalExits").GetInt64(), first + 1, long.MaxValue);
    }

    [Fact]
    public void Set_WeightAndWarp_CountFromNowOn_AndRefuseWhatBreaksANeed()
    {
        using var up = Up("{ name: box, kernel: circle, latency: 1ms, warp: { value: 50ms } }", "{ name: other, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));

        Assert.Equal("other: running, weight 3, warp 0\n", Do("set", "other", "weight=3"));
        Assert.Equal("box: running, weight 1, warp 60ms\n", Do("set", "box", "warp=60ms"));
        (int code, string errors) = Refused("set", "other", "warp=90ms");
        Assert.Equal(2, code);
        Assert.Contains("domain box, vCPU 0: needs 1ms from wake-up to dispatch, but other, vCPU 0 may run", errors, StringComparison.Ordinal);
        Assert.Equal((2, "bulkhead: wieght: cannot be set; there are weight, warp, warp-limit, unwarp; did you mean weight?\n"), Refused("set", "box", "wieght=3"));
        Assert.Equal((2, "bulkhead: weight=0: give a whole number from 1 to 65535.\n"), Refused("set", "box", "weight=0"));
        Assert.Equal((2, "bulkhead: weight: given more than once; give it one value.\nTry 'bulkhead set --help'.\n"), Refused("set", "box", "weight=2", "weight=7"));
        Assert.Equal((2, "bulkhead: domain box: unwarp is how long a vCPU that ran warped for warp-limit stays unwarped; give a warp-limit, or unwarp=0.\n"), Refused("set", "box", "unwarp=5ms"));
        Assert.Equal("box: running, weight 1, warp 60ms\n", Do("set", "box", "unwarp=5ms", "warp-limit=100ms"));
        JsonElement domain = Domain("other");
        Assert.Equal((3, 0, 75), (domain.GetProperty("weight").GetInt32(), domain.GetProperty("warpNs").GetInt64(), domain.GetProperty("weightPercent").GetDouble()));
    }

    [Fact]
    public void Apply_AnotherPolicy_SharesByItFromNowOn_AndOtherChangesAreRefused()
    {
        using var up = Up("{ name: box, kernel: circle }", "{ name: other, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("other| A"));
        string file = Path.Combine(_folder, "system.yaml");
        string text = File.ReadAllText(file);

        File.WriteAllText(file, text.Replace("realtime: never", "realtime: never, policy: edf", StringComparison.Ordinal)
            .Replace("name: box,", "name: box, reservation: { period: 10ms, budget: 7ms, extra: false },", StringComparison.Ordinal));
        Assert.Contains("box", Do("apply", file), StringComparison.Ordinal);
        Assert.NotNull(up.ReadLineWith("pool shared: shared by edf now"));
        Assert.Equal(70, Domain("box").GetProperty("weightPercent").GetDouble());
        Assert.Equal((2, "bulkhead: reservation: cannot be set; change it in the system file, and 'bulkhead apply' that.\n"), Refused("set", "box", "reservation=3ms"));
        Assert.Equal(
            (2, "bulkhead: weight: cannot be set; nothing can in pool shared, whose policy is edf. What domain box gets there is in the system file: change it in the system file, and 'bulkhead apply' that.\n"),
            Refused("set", "box", "weight=3"));

        File.WriteAllText(file, text.Replace("name: other,", "name: other, memory: 512M, display: 640x480, vsock: { cid: 3 },", StringComparison.Ordinal));
        (int code, string errors) = Refused("apply", file);
        Assert.Equal(2, code);
        Assert.Contains("domain other: memory 268435456, now 536870912", errors, StringComparison.Ordinal);
        Assert.Contains("domain other: display none, now 640x480", errors, StringComparison.Ordinal);
        Assert.Contains("domain other: vsock none, now cid=3 peers=none", errors, StringComparison.Ordinal);
        Assert.Equal(70, Domain("box").GetProperty("weightPercent").GetDouble());

        File.WriteAllText(file, text.Replace("circle }", "circle, wieght: 3 }", StringComparison.Ordinal));
        Assert.Contains("did you mean weight?", Refused("apply", file).Errors, StringComparison.Ordinal);

        File.WriteAllText(file, text.Replace("realtime: never", "realtime: never, policy: fixed-priority", StringComparison.Ordinal));
        _ = Do("apply", file);
        Assert.NotNull(up.ReadLineWith("pool shared: shared by fixed-priority now"));
        Assert.Equal("fixed-priority", Domain("box").GetProperty("policy").GetString());
    }

    /// <summary>A collection would stop the vCPUs. BULKHEAD_UP_SECONDS sets for how long.</summary>
    [Fact]
    public void Up_WhileGuestsRun_CollectsNothing()
    {
        string seconds = Environment.GetEnvironmentVariable("BULKHEAD_UP_SECONDS") ?? "3";
        using var up = new BulkheadProcess(_folder, ["up", Write("{ name: box, kernel: circle }", "{ name: other, kernel: circle }"), "--stats", "--grace", "0", "--duration", seconds + "s"]);

        (int code, string output, _) = up.End();
        Assert.Equal(0, code);
        Assert.Contains("\nruntime: 0 collections ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Console_Typed_ComesBack_AndDetachLeavesTheGuestRunning()
    {
        using var up = Up("{ name: box, kernel: echo }");
        Assert.NotNull(up.ReadLineWith("box "));
        using var console = new BulkheadProcess(_folder, ["console", "box"]);
        console.Type("hello\n");
        Assert.NotNull(console.ReadLineWith("hello"));
        using var second = new BulkheadProcess(_folder, ["logs", "-f", "box"]);
        Assert.NotNull(second.ReadLineWith("hello"));
        console.Type("again\n");
        Assert.NotNull(second.ReadLineWith("again"));

        console.Type("\u001d");
        Assert.Equal(0, console.End().ExitCode);
        Assert.NotEqual("exited", State("box"));
        up.Signal("INT");
        Assert.Equal(130, up.End().ExitCode);
        Assert.Equal(0, second.End().ExitCode);
    }

    [Fact]
    public void Console_ByName_IsOneTheDomainHas()
    {
        using var up = Up("{ name: box, kernel: echo, console: { size: 80x24 } }", "{ name: other, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("other| A"));
        using (var console = new BulkheadProcess(_folder, ["console", "box", "--device", "ttyS0"]))
        {
            console.Type("hello\n");
            Assert.NotNull(console.ReadLineWith("hello"));
        }

        using (var console = new BulkheadProcess(_folder, ["console", "box", "--device", "hvc0"]))
        {
            console.Type("of the other\u001d"); // no driver is there to take it
            Assert.Equal(0, console.End().ExitCode);
        }

        Assert.Equal("hello\n", Do("logs", "box"));
        Assert.Equal(string.Empty, Do("logs", "box", "--device", "hvc0"));
        Assert.Equal((2, "bulkhead: box has no console hvc1; there are ttyS0, hvc0; did you mean hvc0?\n"), Refused("console", "box", "--device", "hvc1"));
        Assert.Equal((2, "bulkhead: other has no console hvc0; there is ttyS0; it gets this one by its field console.\n"), Refused("logs", "other", "--device", "hvc0"));
        Assert.Equal("hvc0\nttyS0\n", Do("[suggest:21]", "console box --device "));
    }

    [Fact]
    public void Display_IsWrittenAsAPicture_AndWithoutOneTheVerbsSaySo()
    {
        using var up = Up("{ name: box, kernel: circle, display: 640x480 }", "{ name: other, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        string file = Path.Combine(_folder, "box.png");
        _ = Do("screenshot", "box", "-o", file);
        Assert.Equal("89504E470D0A1A0A0000000D49484452" + "00000280" + "000001E0" + "0802", Convert.ToHexString(File.ReadAllBytes(file), 0, 26));
        _ = Do("keys", "box", "a");
        Assert.Equal((2, "bulkhead: ctl-c: there is no such key (did you mean ctrl?); see 'bulkhead keys --help'.\n"), Refused("keys", "box", "ctl-c"));
        Assert.Equal((2, "bulkhead: U+20AC is on no key of a US keyboard; give letters, digits, signs, new lines and tabs of ASCII.\n"), Refused("type", "box", "€"));
        Assert.Equal((1, "bulkhead: other has no display, or is off; it gets one from its field display.\n"), Refused("screenshot", "other", "-o", file));
        Assert.Equal((1, "bulkhead: other has no keyboard, or is off; it gets one with its field display.\n"), Refused("type", "other", "a"));
        _ = Do("down");
        _ = up.End();
    }

    [Fact]
    public void Restart_OnFailure_HappensAsOftenAsTheFileSays()
    {
        using var up = Up("{ name: box, kernel: crash, restart: { when: on-failure, limit: 2, backoff: 10ms } }");

        Assert.NotNull(up.ReadLineWith("starts again in 10ms"));
        Assert.NotNull(up.ReadLineWith("starts again in 20ms"));
        Assert.NotNull(up.ReadLineWith("not started again, after 2 restarts in a row"));
        Assert.Equal(12, up.End().ExitCode);
    }

    [Fact]
    public void DependsOn_StartsWhenTheOtherIsReady_AndStopsBeforeIt()
    {
        using var up = Up("{ name: box, kernel: circle, depends_on: [base] }", "{ name: base, kernel: circle, ready: A }");
        Assert.True(up.ReadLinesWith("base| A", "box| A"));
        up.Signal("TERM");
        Assert.NotNull(up.ReadLineWith("box: terminated"));
        Assert.NotNull(up.ReadLineWith("base: terminated"));
        Assert.Equal(143, up.End().ExitCode);
    }

    [Theory]
    [InlineData("ready: A")]
    [InlineData("ready: never printed")]
    public void DependsOn_AJobThatHasEnded_WasReady(string ready)
    {
        using var up = Up("{ name: box, kernel: circle, depends_on: [job, base] }", $"{{ name: job, kernel: job, {ready} }}", "{ name: base, kernel: circle, depends_on: [job] }");

        Assert.NotNull(up.ReadLineWith("box| A"));
    }

    [Fact]
    public void DependsOn_OneThatEndsBeforeItIsReady_EndsTheSystemOfWhoWaitsForIt()
    {
        using var up = Up("{ name: box, kernel: circle, depends_on: [base] }", "{ name: base, kernel: circle, depends_on: [bad] }", "{ name: bad, kernel: crash, ready: never printed }");

        (int code, string output, _) = up.End();
        Assert.Equal(12, code);
        Assert.Contains("base: does not start, for bad ended before it was ready\n", output, StringComparison.Ordinal);
        Assert.Contains("box: does not start, for base does not\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1ms", 137)]
    [InlineData("0", 0)]
    public void Down_AGuestThatDoesNotHearThePowerButton_IsEndedByForce(string grace, int expected)
    {
        using var up = new BulkheadProcess(_folder, ["up", Write("{ name: box, kernel: circle }"), "--grace", grace]);
        Assert.NotNull(up.ReadLineWith("box| A"));

        _ = Do("down");

        (int code, string output, _) = up.End();
        Assert.Equal((expected, expected != 0), (code, output.Contains("by force: it did not end within 1ms of the power button", StringComparison.Ordinal)));
    }

    [Fact]
    public void Watchdog_AGuestThatOnlySpins_IsEnded()
    {
        using var up = Up("{ name: box, kernel: circle, watchdog: 1s }");

        Assert.NotNull(up.ReadLineWith("box: watchdog: vCPU 0 ran "));
        Assert.Equal(22, up.End().ExitCode);
    }

    [Fact]
    public void Up_SameNameTwice_IsRefused()
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));
        using var second = new BulkheadProcess(_folder, ["up", Path.Combine(_folder, "system.yaml")]);
        (int code, _, string errors) = second.End();
        Assert.Equal(2, code);
        Assert.Contains("system system runs already; give this one another name with --name", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Up_Json_EveryLineIsARecord_TheLastSaysHowItEnded()
    {
        using var up = new BulkheadProcess(_folder, ["up", Write("{ name: box, kernel: crash }"), "--json", "--grace", "1ms"]);

        (int code, string output, _) = up.End();
        JsonElement[] records = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => JsonDocument.Parse(l).RootElement)];
        Assert.Equal(12, code);
        Assert.Contains(records, static r => r.GetProperty("type").GetString() == "line" && r.GetProperty("text").GetString() == "A");
        Assert.Equal(("end", 12), (records[^1].GetProperty("type").GetString(), records[^1].GetProperty("exitCode").GetInt32()));
        Assert.Equal("exited", records[^1].GetProperty("domains")[0].GetProperty("state").GetString());
    }

    [Fact]
    public void Test_ExpectationsThatHoldAndThatDoNot_AreReported()
    {
        string file = Write(
            "{ name: box, kernel: circle, expect: [console \"A\" within 1m, no console \"Z\", share >= 10%, restarts <= 0] }",
            "{ name: bad, kernel: crash, expect: [exit 12, exit 0 within 1m, no console \"A\"] }", "{ name: again, kernel: crash, restart: { when: always, backoff: 1ms, longest: 1ms }, expect: restarts >= 3 }");
        string junit = Path.Combine(_folder, "result.xml");
        using var test = new BulkheadProcess(_folder, ["test", file, "--duration", "1s", "--junit", junit]);

        (int code, string output, _) = test.End();
        Assert.Equal(1, code);
        Assert.Contains("ok     box: console \"A\" within 1m (after ", output, StringComparison.Ordinal);
        Assert.Contains("ok     box: no console \"Z\" (was not printed)", output, StringComparison.Ordinal);
        Assert.Contains("ok     box: share >= 10% (", output, StringComparison.Ordinal);
        Assert.Contains("ok     bad: exit 12 (exit code 12 after ", output, StringComparison.Ordinal);
        Assert.Contains("FAILED bad: exit 0 within 1m (exit code 12 after ", output, StringComparison.Ordinal);
        Assert.Contains("FAILED bad: no console \"A\" (printed after ", output, StringComparison.Ordinal);
        Assert.EndsWith("6 passed, 2 failed\n", output, StringComparison.Ordinal);
        System.Xml.Linq.XElement suite = System.Xml.Linq.XDocument.Load(junit).Root!; // Load gives a document with a root.
        Assert.Equal(("8", "2", 2), (suite.Attribute("tests")?.Value, suite.Attribute("failures")?.Value, suite.Descendants("failure").Count()));
    }

    [Fact]
    public void Test_WhatHasTimeLeft_IsWaitedForBeyondTheDurationAndTheControlDomainsEnd()
    {
        string file = Write("{ name: box, kernel: job }", "{ name: spins, kernel: circle, watchdog: 2s, expect: exit 22 within 1m }");
        using var test = new BulkheadProcess(_folder, ["test", file, "--duration", "1s"]);

        (int code, string output, _) = test.End();
        Assert.Equal((0, true), (code, output.EndsWith("1 passed, 0 failed\n", StringComparison.Ordinal)));
    }

    [Fact]
    public void Domain_ThatCannotStart_LeavesNoFlightRecord()
    {
        File.WriteAllText(Path.Combine(_folder, "text"), "no kernel");
        using var up = Up("{ name: bad, kernel: text }", "{ name: other, kernel: circle }");

        (int exitCode, string output, _) = up.End();

        Assert.Equal(2, exitCode);
        Assert.Contains("bad: ", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "bulkhead", "flight")));
    }

    [Fact]
    public void Crash_LeavesAFlightRecord_WithItsTurns()
    {
        using var up = Up("{ name: box, kernel: crash }");
        string? line = up.ReadLineWith("box: the turns before its end are in ");
        Assert.NotNull(line);
        _ = up.End();

        JsonElement[] events = [.. JsonDocument.Parse(File.ReadAllText(line[(line.IndexOf(" in ", StringComparison.Ordinal) + 4)..])).RootElement.EnumerateArray()];
        Assert.Contains(events, static e => e.GetProperty("name").GetString() == "box/0" && e.GetProperty("args").GetProperty("end").GetString() == "TripleFault");
    }

    [Fact]
    public void Trace_OfARunningSystem_HasTurnsOfEveryVcpuAndHostCpu()
    {
        using var up = Up("{ name: box, kernel: circle }", "{ name: other, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("other| A"));
        string file = Path.Combine(_folder, "trace.json");

        // On a crowded host a domain may get no turn for a while.
        JsonElement[] events = [];
        for (int tries = 0; tries < 20 && !(Has("box/0") && Has("other/0")); tries++)
        {
            Assert.Empty(Do("trace", "-o", file, "--duration", "100ms"));
            events = [.. JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateArray()];
        }

        Assert.Contains(events, static e => e.GetProperty("name").GetString() == "box/0");
        Assert.Contains(events, static e => e.GetProperty("name").GetString() == "other/0");
        Assert.Contains(events, static e => e.GetProperty("name").GetString() == "turn");
        Assert.Empty(Do("trace", "-o", file, "--last", "1s"));
        Assert.NotEmpty(JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateArray());

        bool Has(string name) => Array.Exists(events, e => e.GetProperty("name").GetString() == name);
    }

    /// <summary>Nor while one of them crashes, is explained, has its flight recorded and starts again.</summary>
    [Fact]
    public void Up_WhileAnotherCrashesAndStartsAgain_CollectsNothing()
    {
        using var up = new BulkheadProcess(_folder, ["up", Write("{ name: box, kernel: circle }", "{ name: bad, kernel: crash, restart: { when: on-failure, limit: 2, backoff: 10ms } }"), "--stats", "--grace", "1ms"]);
        Assert.NotNull(up.ReadLineWith("not started again, after 2 restarts in a row"));
        up.Signal("INT");

        (int code, string output, _) = up.End();
        Assert.Equal(130, code);
        Assert.Contains("\nruntime: 0 collections ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Why_OfAGuestThatNeverSleeps_SaysSo()
    {
        using var up = Up("{ name: box, kernel: circle }");
        Assert.NotNull(up.ReadLineWith("box| A"));

        Assert.Equal("box was woken and dispatched never in the last two minutes, or at once.\n", Do("why", "box"));
        Assert.Equal("[]\n", Do("why", "box", "--json"));
    }

    [Fact]
    public void Resize_DiskOfARunningDomain_GrowsAndRefusesTheRest()
    {
        string disk = Path.Combine(_folder, "disk.raw");
        File.WriteAllBytes(disk, new byte[1 << 20]);
        using var up = new BulkheadProcess(_folder, ["up", Write($"{{ name: box, kernel: circle, disks: [{{ file: {disk}, format: raw }}] }}", "{ name: other, kernel: circle }"), "--grace", "1ms"]);
        Assert.NotNull(up.ReadLineWith("box| A"));

        Assert.Equal("box: disk 0 has 3Mi\n", Do("resize", "box", "+2Mi"));
        Assert.Equal("box: disk 0 has 4Mi\n", Do("resize", "box:0", "4Mi"));
        Assert.Equal(4 << 20, new FileInfo(disk).Length);
        using (Socket client = Connect("""{"verb":"resize","domain":"box","values":{"disk":1,"size":8388608}}"""))
        {
            Assert.Contains("box has no disk 1; it has 1, numbered from 0.", ReadLine(client), StringComparison.Ordinal);
        }

        Assert.Equal((2, $"bulkhead: {disk} has 4194304 bytes, and is not made smaller while a guest has it.\n"), Refused("resize", "box", "1Mi"));
        Assert.Equal((2, "bulkhead: box has no disk 1; it has 1, numbered from 0.\n"), Refused("resize", "box:1", "8Mi"));
        Assert.Equal((2, "bulkhead: other has no disk 0; it has none.\n"), Refused("resize", "other", "8Mi"));
        _ = Do("kill", "box");
        Assert.Equal((1, "bulkhead: box is not running; give its image another size by 'bulkhead disk resize'.\n"), Refused("resize", "box", "8Mi"));
        Assert.Equal(4 << 20, new FileInfo(disk).Length);
    }

    [Fact]
    public void Channels_OfARunningSystem_AreListedRevokedAndGranted()
    {
        string path = Write("{ name: box, kernel: circle }", "{ name: other, kernel: circle }");
        File.AppendAllText(path, "channels: [{ name: c, size: 64Ki, writers: [box], readers: [other] }]\n");
        using var up = new BulkheadProcess(_folder, ["up", path, "--grace", "1ms"]);
        Assert.NotNull(up.ReadLineWith("other| A"));

        Assert.StartsWith("channel c of system: 64Ki, doorbells for each: 1\n", Do("channels"), StringComparison.Ordinal);
        Assert.Equal(["write", "read"], Access());
        Assert.Equal("c\n", Words(Do("[suggest:7]", "revoke ")));
        Assert.Equal("box\nother\n", Words(Do("[suggest:8]", "grant c ")));
        Assert.Equal(string.Empty, Words(Do("[suggest:8]", "grant d ")));
        _ = Do("revoke", "c", "box");
        Assert.Equal(["revoked", "read"], Access());
        _ = Do("grant", "c", "box");
        Assert.Equal(["write", "read"], Access());
        Assert.Equal((2, "bulkhead: box is no member of a channel d; it is of c.\n"), Refused("revoke", "d", "box"));

        // What is offered besides options.
        static string Words(string offered) => string.Concat(offered.Split('\n').Where(static l => l.Length > 0 && char.IsLetter(l[0])).Select(static l => l + "\n"));

        IEnumerable<string?> Access() =>
            JsonDocument.Parse(Do("channels", "--json")).RootElement[0].GetProperty("members").EnumerateArray().Select(static m => m.GetProperty("access").GetString());
    }

    [Fact]
    public void Networks_AndCapture_OfARunningSystem()
    {
        string path = Write("{ name: box, kernel: circle, networks: [{ name: lan }] }", "{ name: other, kernel: circle, networks: [{ name: lan }] }");
        File.AppendAllText(path, "networks: [{ name: lan, rules: [{ from: box, to: other, protocol: tcp, port: 80 }] }]\n");
        using var up = new BulkheadProcess(_folder, ["up", path, "--grace", "1ms"]);
        Assert.NotNull(up.ReadLineWith("other| A"));

        Assert.Equal("box: running\n", Do("link", "box", "down"));
        Assert.Equal("box: running\n", Do("link", "box:0", "up"));
        Assert.Equal((2, "bulkhead: box has no network card 1; it has 1, numbered from 0.\n"), Refused("link", "box:1", "up"));
        string table = Do("networks");
        Assert.StartsWith("network lan of system\n", table, StringComparison.Ordinal);
        Assert.Contains("\n  box -> other tcp 80 ", table, StringComparison.Ordinal);
        JsonElement network = JsonDocument.Parse(Do("networks", "--json")).RootElement[0];
        Assert.Equal(["box", "other"], network.GetProperty("ports").EnumerateArray().Select(static p => p.GetProperty("domain").GetString()));
        Assert.Equal(0, network.GetProperty("rules")[0].GetProperty("frames").GetInt64());

        string file = Path.Combine(_folder, "box.pcap");
        Assert.Empty(Do("capture", "box:0", "-o", file, "--duration", "50ms"));
        Assert.Equal([0x4D, 0x3C, 0xB2, 0xA1], File.ReadAllBytes(file)[..4]);
        Assert.Equal((2, "bulkhead: box has no network card 1; it has 1, numbered from 0.\n"), Refused("capture", "box:1", "-o", file));
    }

    private BulkheadProcess Up(params string[] domains) => new(_folder, ["up", Write(domains), "--grace", "0"]);

    private string Write(params string[] domains)
    {
        foreach ((string name, byte[] code) in new[] { ("circle", s_circle), ("echo", s_echo), ("crash", s_crash), ("job", s_job) })
        {
            File.WriteAllBytes(Path.Combine(_folder, name), SyntheticKernel.Pvh(code));
        }

        string path = Path.Combine(_folder, "system.yaml");
        File.WriteAllText(path, $"pools: [{{ name: shared, cpus: [last], realtime: never }}]\ndomains:\n{string.Concat(domains.Select(static d => $"  - {d}\n"))}");
        return path;
    }

    private string Do(params string[] command)
    {
        using var process = new BulkheadProcess(_folder, command);
        (int code, string output, string errors) = process.End();
        Assert.Equal((0, string.Empty), (code, errors));
        return output;
    }

    private (int Code, string Errors) Refused(params string[] command)
    {
        using var process = new BulkheadProcess(_folder, command);
        (int code, string output, string errors) = process.End();
        Assert.Empty(output);
        return (code, errors);
    }

    private JsonElement Domain(string name)
    {
        JsonElement systems = JsonDocument.Parse(Do("ps", "--json")).RootElement;
        return Assert.Single(systems[0].GetProperty("domains").EnumerateArray(), d => d.GetProperty("name").GetString() == name);
    }

    private string? State(string domain) => Domain(domain).GetProperty("state").GetString();

    private (int Code, string? Words) LastEnd(string domain) =>
        (Domain(domain).GetProperty("exitCode").GetInt32(), Domain(domain).GetProperty("message").GetString());
}
