using System.Text.Json;
using System.Xml.Linq;
using Bulkhead.Cli.Machines;
using Bulkhead.Cli.Simulation;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;
using Xunit;

namespace Bulkhead.Cli.Tests.Simulation;

public sealed class SimulationRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-simulate").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Two vCPUs of equal weight, one of which sleeps much: every number of the table is known.
    [Fact]
    public void Run_System_PrintsWhatEachGotBesideTheBounds()
    {
        (int code, string output, string errors) = Run(Request());

        Assert.Equal((0, string.Empty), (code, errors));
        string[] lines = output.Split('\n');
        Assert.Equal(
            [
                "s.yaml: 100ms of virtual time, turns end 0 late, seed 3",
                "  control              periodic:10ms/1ms  (assumed, since it has a warp or classes, or needs a latency; --load sets it)",
                "  other                busy",
                "",
                "pool default, CPU last: bvt, allowance 1ms; idle 0.0%, 19 switches",
                "  vCPU                    got  share wake-ups       p50       p99       max      level      worst  verdict",
                "  control/0             10.0%  50.0%       10         0         0         0          0   52.001ms  within level; needs 500us: kept",
                "  other/0               90.0%  50.0%        1       1ms       1ms       1ms   51.001ms   52.001ms  within level",
            ],
            lines[..8]);
    }

    [Fact]
    public void Run_TurnsEndLate_SaysHowOftenTheNeedWasMissed()
    {
        (int code, string output, _) = Run(Request() with { OverrunNs = 600_000 });

        Assert.Equal(0, code);
        Assert.Contains("within level; needs 500us: LATE 9 times", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_Json_IsOneObjectWithTheSameNumbers()
    {
        (_, string output, _) = Run(Request() with { Json = true });

        JsonElement cpu = JsonDocument.Parse(output).RootElement.GetProperty("cpus")[0];
        Assert.Equal(19, cpu.GetProperty("switches").GetInt64());
        JsonElement control = cpu.GetProperty("vcpus")[0];
        Assert.Equal(
            ("control", 10_000_000L, 10L, 0L, false),
            (control.GetProperty("domain").GetString(), control.GetProperty("ranNs").GetInt64(), control.GetProperty("wakeUps").GetInt64(), control.GetProperty("maxNs").GetInt64(), control.GetProperty("exceeded").GetBoolean()));
    }

    [Fact]
    public void Run_UnknownDomain_NamesTheNearest()
    {
        OperatorException e = Assert.Throws<OperatorException>(() => Run(Request() with { Loads = [new NamedLoad("othr", SimulatedLoad.Busy)] }));

        Assert.Equal(2, e.ExitCode);
        Assert.Equal("--load othr=busy: the system has no domain othr; its domains are control, other; did you mean other?", e.Message);
    }

    [Fact]
    public void Judge_BoundExceeded_SaysItIsOurErrorAndGives1()
    {
        SimulationResult good = SystemSimulation.Run(new SimulationRequest { System = SystemFile.Load(WriteSystem()) });
        SimulatedCpu cpu = good.Cpus[0];
        SimulatedVcpu bad = cpu.Vcpus[0] with { Latency = new DispatchLatency(1, 0, 0, 60_000_000, 5_000_000, 0) };
        using var errors = new StringWriter();

        int code = SimulationRun.Judge(good with { Cpus = [cpu with { Vcpus = [bad, cpu.Vcpus[1]] }] }, errors);

        Assert.Equal(1, code);
        Assert.StartsWith(
            "bulkhead: BOUND EXCEEDED: control/0 woke at 5ms and waited 60ms, more than the 52.000002ms computed for it; this is an error in Bulkhead",
            errors.ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NoBound_SaysNone()
    {
        SimulationResult good = SystemSimulation.Run(new SimulationRequest { System = SystemFile.Load(WriteSystem()) });
        SimulatedCpu cpu = good.Cpus[0];
        SimulatedVcpu free = cpu.Vcpus[0] with { Schedule = cpu.Vcpus[0].Schedule with { WorstDispatchNs = long.MaxValue } };
        using var output = new StringWriter();

        SimulationTable.Write(output, good with { Cpus = [cpu with { Vcpus = [free] }] });

        Assert.Contains("         0       none  within level; ", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Process_Output_IsAChart()
    {
        string chart = Path.Combine(_folder, "chart.svg");
        using var bulkhead = new BulkheadProcess(_folder, ["simulate", WriteSystem(), "-o", chart]);

        (int exitCode, string output, string errors) = bulkhead.End();

        Assert.Equal((0, string.Empty), (exitCode, errors));
        Assert.StartsWith("s.yaml: 1s of virtual time", output, StringComparison.Ordinal);
        Assert.Equal("svg", XDocument.Load(chart).Root?.Name.LocalName);
    }

    private SimulateRequest Request() => new(WriteSystem(), [new NamedLoad("other", SimulatedLoad.Busy)], 100_000_000, 0, 3, null, false);

    private static (int Code, string Output, string Errors) Run(SimulateRequest request)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int code = SimulationRun.Run(request, static () => null, output, errors);
        return (code, output.ToString(), errors.ToString());
    }

    private string WriteSystem()
    {
        string path = Path.Combine(_folder, "s.yaml");
        File.WriteAllText(path, """
            domains:
              - {name: control, image: debian, latency: 500us, warp: {value: 50ms, limit: 20ms}}
              - {name: other, image: debian}
            """);
        return path;
    }
}
