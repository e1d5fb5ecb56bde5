using Bulkhead.Machine.Simulation;
using Xunit;

namespace Bulkhead.Machine.Tests.Simulation;

/// <summary>The two schedules that are known to the turn, a unit of theirs being a millisecond.</summary>
public sealed class BvtVectorTests
{
    private const string Two = """
        pools: [{name: p, cpus: [0], allowance: 2ms}]
        domains:
          - {name: gcc, image: debian, weight: 2}
          - {name: bigsim, image: debian, weight: 1}

        """;

    [Fact]
    public void Run_GccAndBigsim_RunsTheExactTurns()
    {
        SimulatedCpu cpu = Assert.Single(Systems.Simulate(Two, 600).Cpus);

        Assert.Equal(
            [("gcc", 0, 2), ("bigsim", 2, 5), ("gcc", 5, 11), ("bigsim", 11, 14), ("gcc", 14, 20), ("bigsim", 20, 23)],
            Systems.Turns(cpu).Take(6));
        Assert.Equal([399 * Systems.Ms, 201 * Systems.Ms], cpu.Vcpus.Select(static v => v.RanNs));
        Assert.Equal((134, 0), (cpu.Switches, cpu.IdleNs));
    }

    [Fact]
    public void Run_MpegWarps_RunsUnsplitAndAtOnce()
    {
        string three = Two + "  - {name: mpeg, image: debian, warp: {value: 50ms}}";

        SimulatedCpu cpu = Assert.Single(Systems.Simulate(three, 100, ("mpeg", "periodic:20ms/5ms@5ms")).Cpus);

        Assert.Equal(
            [("mpeg", 5, 10), ("mpeg", 25, 30), ("mpeg", 45, 50), ("mpeg", 65, 70), ("mpeg", 85, 90)],
            Systems.Turns(cpu).Where(static t => t.Name == "mpeg"));
        Assert.Equal([50 * Systems.Ms, 25 * Systems.Ms, 25 * Systems.Ms], cpu.Vcpus.Select(static v => v.RanNs));
        Assert.Equal((5, 0), (cpu.Vcpus[2].Latency.WakeUps, cpu.Vcpus[2].Latency.MaxNs));
        Assert.Equal(23, cpu.Switches);
        Assert.All(cpu.Vcpus[2].Turns, static t => Assert.True(t.Warped));
        Assert.All(cpu.Vcpus[0].Turns, static t => Assert.False(t.Warped));
    }
}
