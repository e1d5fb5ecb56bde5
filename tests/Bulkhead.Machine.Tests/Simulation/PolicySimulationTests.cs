using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;
using Xunit;

namespace Bulkhead.Machine.Tests.Simulation;

public sealed class PolicySimulationTests
{
    private const string Domains = """
        domains:
          - {name: a, image: debian, vcpus: 2 FIRST}
          - {name: b, image: debian SECOND}
          - {name: c, image: debian}
        """;

    // The same computation that validate prints, held against the policies themselves.
    [Theory]
    [InlineData("edf", "", ", reservation: {period: 10ms, budget: 2ms}", ", reservation: {period: 7ms, budget: 2ms, extra: false}")]
    [InlineData("fixed-priority", "", ", priority: 9, reservation: {period: 5ms, budget: 500us}", ", priority: 5, reservation: {period: 9ms, budget: 3ms}")]
    [InlineData(
        "arinc653",
        ", frame: {major: 10ms, windows: [{domain: a, at: 0, length: 3ms}, {domain: b, at: 3ms, length: 2ms}, {domain: c, at: 6ms, length: 3ms}]}",
        "",
        "")]
    public void Run_AnyPolicy_KeepsItsBounds(string policy, string frame, string first, string second)
    {
        SystemConfig system = SystemFile.Parse(
            "s.yaml",
            $"pools: [{{name: p, cpus: [0], policy: {policy}{frame}}}]\n"
            + Domains.Replace(" FIRST", first, StringComparison.Ordinal).Replace(" SECOND", second, StringComparison.Ordinal));

        SimulationResult result = SystemSimulation.Run(new SimulationRequest { System = system, DurationNs = 2_000_000_000 });

        SimulatedCpu cpu = Assert.Single(result.Cpus);
        Assert.All(cpu.Vcpus, v => Assert.True(v.RanNs > 0, v.Name));
        Assert.All(cpu.Vcpus, v => Assert.False(v.ExceedsBound, $"{v.Name}: {v.Latency.MaxNs} > {v.Schedule.WorstDispatchNs}"));
    }
}
