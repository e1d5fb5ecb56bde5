using System.Text.Json.Nodes;
using System.Xml.Linq;
using Bulkhead.Machine.Configuration;
using Bulkhead.Tools.Bench;
using Bulkhead.Tools.Bench.RealTime;
using Xunit;

namespace Bulkhead.Cli.Tests.Bench;

public sealed class RealTimeTests
{
    private static readonly string[] s_hostLines =
    [
        "# Histogram", "000000 000000", "000007 000050", "000009 000049", "# Total: 000000099", "# Min Latencies: 00007", "# Avg Latencies: 00012", "# Max Latencies: 04711",
        "# Histogram Overflows: 00001", "# Histogram Overflow at cycle number:", "# Thread 0: 00017",
    ];

    private static readonly string[] s_guestLines =
    [
        "cyclictest: T: 0 (   98) P:80 I:1000 C:   2287 Min:     18 Act:   43 Avg:  366 Max:    8475", "cyclictest: bucket 7 50", "cyclictest: bucket 9 49",
        "cyclictest: summary samples=100 min=7 avg=12 p50=7 p99=9 p99.9=4711 max=4711 us",
    ];

    [Fact]
    public void Distribution_OfHostAndGuest_IsTheSame()
    {
        var host = Distribution.OfHost(s_hostLines);
        var guest = Distribution.OfGuest(s_guestLines);
        Assert.Equal([(7, 50), (9, 49)], host.Buckets);
        Assert.Equal(host.ToJson(120).ToJsonString(), guest.ToJson(120).ToJsonString());
    }

    [Fact]
    public void Distribution_OfSamples_KnowsPercentilesAndWhatIsLost()
    {
        var distribution = Distribution.OfGuest(s_guestLines);
        Assert.Equal((100, 1, 7, 9, 4711, 4711), (distribution.Samples, distribution.Beyond, distribution.Percentile(50), distribution.Percentile(99), distribution.Percentile(99.9), distribution.Max));
        Assert.Equal(20, (long)distribution.ToJson(120)["lost"]!);
        Assert.Equal(0, (long)distribution.ToJson(99)["lost"]!);
    }

    [Fact]
    public void Distribution_OfWhatBrokeOff_IsAnError()
    {
        Assert.Contains("Histogram", Assert.Throws<BenchException>(() => Distribution.OfHost(s_hostLines[..1])).Message, StringComparison.Ordinal);
        _ = Assert.Throws<BenchException>(() => Distribution.OfGuest(s_guestLines[..3]));
        _ = Assert.Throws<BenchException>(() => Distribution.OfGuest(s_guestLines[3..]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SystemFiles_OfTheExample_AreReadAsMeant(bool realTime)
    {
        string example = File.ReadAllText(Path.Combine(Root(), SystemFiles.Example));
        SystemConfig system = Read(SystemFiles.Mixed(example, realTime, 100));
        Assert.Equal((realTime, "bulkhead.histogram=100"), (system.Pools[0].RealTime, system.Domains[0].Append));
        Assert.Equal("infotainment", Assert.Single(system.Domains[0].DependsOn));
        SystemConfig saturated = Read(SystemFiles.Saturated(example, Path.Combine(Root(), SystemFiles.Example), 100)); // any file will do for a disk
        Assert.Equal(["infotainment", "office"], saturated.Domains[0].DependsOn);
        Assert.Equal(["saturate", "saturate"], saturated.Domains.Skip(1).Select(static d => d.Task));
        _ = Assert.Throws<BenchException>(() => SystemFiles.Mixed(example.Replace("burn", "shell", StringComparison.Ordinal), realTime, 100));
    }

    [Fact]
    public void SystemFiles_OfOthers_AreReadAsMeant()
    {
        Assert.Equal("cyclictest", $"{Read(SystemFiles.Alone(100)).Domains[0].Task}", ignoreCase: true);
        SystemConfig burners = Read(SystemFiles.Burners(1, 3, "10us"));
        Assert.Equal((1, 3, 10_000), (burners.Domains[0].Weight, burners.Domains[1].Weight, burners.Pools[0].AllowanceNs));
        Assert.Equal(64, Read(SystemFiles.Idle(64, 80)).Domains.Count);
    }

    [Theory]
    [InlineData("bvt", SchedulingPolicy.Bvt)]
    [InlineData("edf", SchedulingPolicy.Edf)]
    [InlineData("arinc653", SchedulingPolicy.Arinc653)]
    public void SystemFiles_OfFloods_HaveTheFloodedVcpuBesideTheVictim(string policy, SchedulingPolicy expected)
    {
        string kernel = Path.Combine(Root(), SystemFiles.Example); // any file will do
        foreach (Flood flood in Flood.All.Where(f => f.Policy == policy))
        {
            SystemConfig system = Read(SystemFiles.Flooded(flood, kernel, cpu: 1, other: 0));
            (PoolConfig pool, DomainConfig victim, DomainConfig attacker) = (system.Pools[0], system.Domains[0], system.Domains[1]);
            Assert.Equal((expected, true, flood.Vcpus), (pool.Policy, pool.RealTime, pool.CpuCount));
            Assert.Equal((SystemFiles.Victim, SystemFiles.Attacker, 1, flood.Vcpus), (victim.Name, attacker.Name, victim.Vcpus, attacker.Vcpus));
            Assert.Equal(("flood=victim", $"flood={flood.Kind}"), (victim.Append, attacker.Append));
            Assert.Equal([SystemFiles.Attacker], victim.DependsOn);
            Assert.Equal(victim.Weight, attacker.Weight);

            // Under BVT only those that declare a latency stay where they were dealt to.
            Assert.Equal(policy == "bvt", attacker.Latency is not null);

            // The victim is dealt to the first CPU; the attacker's first of two vCPUs then to the other, and its last to the first again.
            Assert.Equal([0], victim.Cpus);
            Assert.Empty(attacker.Cpus);
            Assert.Equal(flood.Vcpus == 1 ? [1] : [1, 0], pool.ResolveCpus([0, 1]));
        }
    }

    [Fact]
    public void Flood_All_ComesAfterTheCalmOneItIsComparedWith()
    {
        var calm = new HashSet<(string, int)>();
        Assert.All(Flood.All, f => Assert.True(f.Kind == Flood.Calm ? calm.Add((f.Policy, f.Vcpus)) : calm.Contains((f.Policy, f.Vcpus))));
        string source = File.ReadAllText(Path.Combine(Root(), "bench/guest/floods/floods.c"));
        Assert.All(Flood.All, f => Assert.Contains($"{{\"{f.Kind}\",", source, StringComparison.Ordinal));
    }

    [Fact]
    public void Floods_Compared_AreBetweenTwoCalmOnes()
    {
        var order = new List<string>();
        var loops = new Queue<double>([80, 45, 100, 55, 120]);
        IReadOnlyList<JsonObject> rows = Floods.Compare([new("bvt", "calm", 1), new("bvt", "timer", 1), new("bvt", "pit", 1)], flood =>
        {
            order.Add(flood.Kind);
            return new JsonObject { ["kind"] = flood.Kind, ["victimLoopsPerSecond"] = loops.Dequeue() };
        });
        Assert.Equal(["calm", "timer", "calm", "pit", "calm"], order);
        Assert.Equal(["calm", "timer", "pit"], rows.Select(static r => (string?)r["kind"]));
        Assert.Equal((100, 80, 120), ((double)rows[0]["victimLoopsPerSecond"]!, (double)rows[0]["calmLeastPercent"]!, (double)rows[0]["calmMostPercent"]!));
        Assert.Equal([50, 50], rows.Skip(1).Select(static r => (double)r["calmPercent"]!));
    }

    [Fact]
    public void Floods_BesideACalmThatStands_AreAnError() =>
        Assert.Throws<BenchException>(static () => Floods.Compare([new("bvt", "calm", 1), new("bvt", "timer", 1)], static _ => new JsonObject { ["victimLoopsPerSecond"] = 0.0 }));

    [Fact]
    public void WorkerWait_OfALine_IsItsSecondFigure() => Assert.Equal(1_656_279, WorkerWait.Parse("4541805 1656279 1\n"));

    [Fact]
    public void Floods_OfLines_AreLoopsOfASecond()
    {
        string[] lines = ["flood: victim 500 1000", "flood: victim 100 4000", "flood: victim 5", "flood: timer"];
        Assert.Equal([1000, 50], Floods.Rates(lines, hz: 2000));
    }

    [Fact]
    public void ProcessSize_OfMappings_TellsGuestRamApart()
    {
        string[] lines =
        [
            "7f00-7f01 rw-s 00000000 00:01 7 /memfd:idle-3 (deleted)", "Size: 80 kB", "Rss: 70 kB", "Pss: 70 kB", "VmFlags: rd wr",
            "7f01-7f02 r-xs 00000000 00:01 7 /memfd:bulkhead-code (deleted)", "Rss: 20 kB", "Pss: 10 kB",
        ];
        Assert.Equal(new ProcessSize(90, 80, 70), ProcessSize.Parse(lines, "memfd:idle-"));
    }

    [Fact]
    public void TurnGaps_OfATrace_AreBetweenTurnsOfDifferentVcpus()
    {
        JsonArray trace =
        [
            Turn(0, "b/0", 30.5, 10), Turn(0, "a/0", 10, 20), Turn(1, "turn", 10, 20), Turn(0, "b/0", 42, 5), Turn(0, "a/0", 50, 5),
            new JsonObject { ["name"] = "process_name", ["ph"] = "M", ["pid"] = 0 },
        ];
        (double[] gaps, double[] turns) = TurnGaps.Read(trace);
        Assert.Equal([0.5, 3], gaps);
        Assert.Equal([5, 5, 10, 20], turns);
    }

    [Fact]
    public void Reports_OfResults_HoldWhatWasMeasured()
    {
        JsonObject results = Results();
        string[] row = RealTimeReport.Text(results).Split('\n').First(l => l.StartsWith("up ", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["up", "7", "9", "4711", "4711", "100", "20", "8", "1.5", "2.5", "0.25"], row);
        string text = RealTimeReport.Markdown(results);
        Assert.Contains("| up | 7 | 9 | 4711 | 4711 | 100 | 20 | 8 | 1.5 | 2.5 | 0.25 |", text, StringComparison.Ordinal);
        Assert.Contains("| up | 1.5 | - | - | - | - | - | 3.25 | 2.5 |", text, StringComparison.Ordinal);
        Assert.Contains("control/0 waited 8ms", text, StringComparison.Ordinal);
        Assert.Contains("| 1:3 | 25.1 | 25 | 0.4 | yes | 2.5 |", text, StringComparison.Ordinal);
        Assert.Contains("| bvt | nmi | 2 | 98.76 | 99.5 | 49.9 | 1234 | 0.5 | 1.5 | 2.5 | 0.25 |", text, StringComparison.Ordinal);
        Assert.DoesNotContain("idle domains", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Plot_OfResults_FallsToNothingAtTheMost()
    {
        JsonObject results = Results();
        Assert.Equal([(7, 0.5), (9, 0.01), (4711, 0)], LatencyPlot.Points(results["parts"]![0]!.AsObject()));
        XElement svg = XDocument.Parse(LatencyPlot.Draw(results)).Root!;
        Assert.Single(svg.Elements(), e => e.Name.LocalName == "path");
    }

    [Fact]
    public void Options_OfACommandLine_AreRead()
    {
        RealTimeOptions options = RealTimeOptions.Parse(["--seconds", "90", "--only", "up", "--only", "idle"]);
        Assert.Equal((90, false), (options.Seconds, options.Quick));
        Assert.Equal(["up", "idle"], options.Only);
        Assert.True(RealTimeOptions.Parse(["--quick"]) is { Quick: true, Seconds: < 20 });
        Assert.All(Parts.All, p => Assert.Contains($"  {p.Name} ", RealTimeOptions.Usage, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--second", "did you mean '--seconds'?")]
    [InlineData("--seconds 4", "'4' is not a number from 5")]
    [InlineData("--only qemo", "did you mean 'qemu'?")]
    [InlineData("--only", "--only needs a value")]
    public void Options_ThatAreWrong_AreSaidAndEndWithTwo(string arguments, string message)
    {
        BenchException e = Assert.Throws<BenchException>(() => RealTimeOptions.Parse(arguments.Split(' ')));
        Assert.Equal(2, e.ExitCode);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    private static SystemConfig Read(string text)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            return SystemFile.Load(file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, SystemFiles.Example)))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new FileNotFoundException(SystemFiles.Example);
        }

        return folder;
    }

    private static JsonObject Results()
    {
        JsonObject up = Around(Distribution.OfGuest(s_guestLines).ToJson(120), "up");
        up["dispatch"] = new JsonObject { ["latencyP50Ns"] = 1500, ["sharePercent"] = 3.25 };
        up["why"] = new JsonArray("control/0 waited 8ms");
        var row = new JsonObject { ["weights"] = "1:3", ["sharePercent"] = 25.1, ["weightPercent"] = 25.0, ["deviationPercent"] = 0.4, ["within"] = true };
        JsonObject shares = Around(new JsonObject { ["seconds"] = 10, ["mostDeviationPercent"] = 1.0, ["rows"] = new JsonArray(row) }, "shares");
        var flood = new JsonObject { ["policy"] = "bvt", ["kind"] = "nmi", ["vcpus"] = 2, ["victimLoopsPerSecond"] = 98_760_000, ["calmPercent"] = 99.5, ["victimCpuPercent"] = 49.9, ["attackerExitsPerSecond"] = 1234.0, ["hostTookPercent"] = 0.5 };
        JsonObject floods = Around(new JsonObject { ["seconds"] = 8, ["rows"] = new JsonArray(Around(flood, "nmi")) }, "floods");
        var failed = new JsonObject { ["name"] = "idle", ["what"] = "many", ["failed"] = "no" };
        return JsonNode.Parse(new JsonObject
        {
            ["place"] = new JsonObject { ["date"] = "today", ["host"] = "here", ["kernel"] = "6", ["qemu"] = "QEMU", ["cpu"] = 1, ["seconds"] = 8, ["quick"] = true },
            ["parts"] = new JsonArray(up, shares, floods, failed),
        }.ToJsonString())!.AsObject();
    }

    private static JsonObject Around(JsonObject part, string name)
    {
        part["name"] = name;
        part["what"] = $"what {name} <&";
        (part["loadBefore"], part["loadAfter"], part["stolenPercent"]) = (1.5, 2.5, 0.25);
        return part;
    }

    private static JsonObject Turn(int process, string name, double start, double length) =>
        new() { ["name"] = name, ["cat"] = "turn", ["ph"] = "X", ["pid"] = process, ["ts"] = start, ["dur"] = length };
}
