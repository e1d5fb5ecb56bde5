using Bulkhead.Cli.Commands;
using Bulkhead.Cli.Machines;
using Bulkhead.Machine.Simulation;
using Xunit;

namespace Bulkhead.Cli.Tests.Simulation;

public sealed class SimulateCommandTests
{
    // Any file that is there will do for a system file: it is not read here.
    private static readonly string s_file = typeof(SimulateCommandTests).Assembly.Location;

    [Fact]
    public void Simulate_FileOnly_HasTheDefaults()
    {
        SimulateRequest request = Ask();

        Assert.Equal((s_file, 1_000_000_000L, 0L, 1UL, null, false), (request.SystemPath, request.DurationNs, request.OverrunNs, request.Seed, request.ChartPath, request.Json));
        Assert.Empty(request.Loads);
    }

    [Theory]
    [InlineData("-o")]
    [InlineData("--output")]
    public void Simulate_EveryOption_IsPassedOn(string output)
    {
        SimulateRequest request = Ask(
            "--load", "a=busy", "--load", "b=random:5ms/1ms@2ms", "--duration", "10s", "--overrun", "100us", "--seed", "7", output, "/tmp/s.svg", "--json");

        Assert.Equal((10_000_000_000L, 100_000L, 7UL, "/tmp/s.svg", true), (request.DurationNs, request.OverrunNs, request.Seed, request.ChartPath, request.Json));
        Assert.Equal([new("a", SimulatedLoad.Busy), new("b", new(LoadKind.Random, 5_000_000, 1_000_000, 2_000_000))], request.Loads);
    }

    [Theory]
    [InlineData("--load a", "--load a: not understood; write NAME=LOAD, the load being busy, idle, periodic:PERIOD/RUN or random:PERIOD/RUN")]
    [InlineData("--load =busy", "--load =busy: not understood")]
    [InlineData("--load a=perodic:10ms/1ms", "with ,hint=N or ,hint=N:TIME behind if it says what it does. Did you mean periodic?")]
    [InlineData("--load a=periodic:10ms/0", "--load a=periodic:10ms/0: not understood")]
    [InlineData("--load a=busy --load a=idle", "--load a=idle: a has a load already; give each domain one.")]
    [InlineData("--load", "--load")]
    [InlineData("--duration 0", "--duration 0: not understood; write a time such as")]
    [InlineData("--duration 25h", "--duration 25h: too long; give at most 86400s.")]
    [InlineData("--overrun 2s", "--overrun 2s: too long; give at most 1s.")]
    [InlineData("--seed -1", "--seed -1: not understood; write a whole number")]
    [InlineData("--laod a=busy", "did you mean --load?")]
    public void Simulate_WrongOption_NamesItAndTheFix(string options, string expected)
    {
        var host = new RecordingHost();

        Assert.Equal(2, Invoke(host, out string errors, ["simulate", s_file, .. options.Split(' ')]));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.Null(host.AskedToSimulate);
    }

    private static SimulateRequest Ask(params string[] options)
    {
        var host = new RecordingHost();
        Assert.Equal(6, Invoke(host, out _, ["simulate", s_file, .. options]));
        return host.AskedToSimulate ?? throw new InvalidOperationException("The host was not asked.");
    }

    private static int Invoke(RecordingHost host, out string errors, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = new CommandLine(host, output, error).Invoke(arguments);
        errors = error.ToString();
        return code;
    }
}
