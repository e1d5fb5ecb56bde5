using Bulkhead.Machine.Simulation;
using Xunit;

namespace Bulkhead.Machine.Tests.Simulation;

public sealed class ClassSimulationTests
{
    private const long Ms = Systems.Ms;

    // Every 20 ms 10 ms of work, of which it says for 2 ms that they are urgent: it has those at once, and for the rest takes turns.
    [Fact]
    public void Run_HintForSomeOfTheWork_IsUrgentForThat()
    {
        SimulationResult result = Systems.Simulate(
            """
            pools: [{name: p, cpus: [0], allowance: 1ms, policy: bvt}]
            domains:
              - {name: a, image: debian, classes: [{name: urgent, hint: 2, wake: 1ms, warp: 50ms}]}
              - {name: b, image: debian}
            """,
            200,
            ("a", "periodic:20ms/10ms@5ms,hint=2:2ms"),
            ("b", "busy"));

        SimulatedVcpu a = result.Cpus[0].Vcpus[0];
        Assert.Equal(["base", "urgent"], a.RanIn.Select(static r => r.Name));
        Assert.Equal(20 * Ms, a.RanIn[1].RanNs);
        Assert.Equal(0, a.Latency.MaxNs);
        SimulatedTurn first = a.Turns[0];
        Assert.Equal((5 * Ms, 7 * Ms, "urgent", true), (first.FromNs, first.ToNs, first.Class, first.Warped));
        Assert.All(a.Turns, static t => Assert.Equal(t.Warped, t.Class == "urgent"));
    }

    // Whatever they claim: no wake-up waits longer than was computed, with overruns too.
    [Theory]
    [InlineData("bvt", "warp: 20ms", "warp: 15ms", 0)]
    [InlineData("bvt", "warp: 20ms", "warp: 15ms", 70_000)]
    [InlineData("fixed-priority", "priority: 200", "priority: 150", 0)]
    [InlineData("fixed-priority", "priority: 200", "priority: 150", 70_000)]
    public void Run_EverybodyIsUrgent_KeepsTheBounds(string policy, string most, string more, long overrunNs)
    {
        SimulationRequest request = Systems.Request(
            $$"""
            pools: [{name: p, cpus: [0], allowance: 1ms, policy: {{policy}}}]
            domains:
              - {name: a, image: debian, classes: [{name: now, hint: 2, {{most}}, limit: 2ms, rest: 10ms}, {name: soon, wake: 500us, hint: 2, {{more}}, limit: 1ms, rest: 7ms}]}
              - {name: b, image: debian, classes: [{name: soon, hint: 3, wake: 2ms, {{more}}, limit: 3ms, rest: 9ms}]}
              - {name: c, image: debian, classes: [{name: soon, hint: 1, {{more}}, limit: 1ms, rest: 20ms}]}
              - {name: d, image: debian}
            """,
            5_000,
            ("a", "random:9ms/2ms,hint=2"),
            ("b", "periodic:11ms/3ms,hint=3"),
            ("c", "busy,hint=1"),
            ("d", "random:30ms/4ms")) with { OverrunNs = overrunNs };
        SimulationResult result = SystemSimulation.Run(request);

        Assert.All(result.Cpus[0].Vcpus, static v => Assert.False(v.ExceedsBound, $"{v.Name}: {v.Latency.MaxNs} > {v.Schedule.WorstDispatchNs}"));
        Assert.All(result.Cpus[0].Vcpus.Take(3), static v => Assert.All(v.RanIn, static r => Assert.True(r.RanNs > 0, r.Name)));
    }

    [Theory]
    [InlineData("busy,hint=2", 2, 0)]
    [InlineData("periodic:20ms/3ms@5ms,hint=255:1ms", 255, 1_000_000)]
    public void TryParse_Hint_IsTakenAndPrinted(string text, byte hint, long forNs)
    {
        Assert.True(SimulatedLoad.TryParse(text, out SimulatedLoad load));
        Assert.Equal((hint, forNs, text), (load.Hint, load.HintNs, load.ToString()));
    }

    [Theory]
    [InlineData("idle,hint=2")]
    [InlineData("busy,hint=0")]
    [InlineData("busy,hint=256")]
    [InlineData("busy,hint=2:0")]
    [InlineData("busy,hint")]
    [InlineData("busy,hint=2,hint=3")]
    public void TryParse_WrongHint_IsRefused(string text) => Assert.False(SimulatedLoad.TryParse(text, out _));
}
