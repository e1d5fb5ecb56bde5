using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;
using Xunit;

namespace Bulkhead.Machine.Tests.Simulation;

public sealed class SimulatedLoadTests
{
    [Theory]
    [InlineData("busy", LoadKind.Busy, 0, 0, 0)]
    [InlineData("idle", LoadKind.Idle, 0, 0, 0)]
    [InlineData("periodic:10ms/1ms", LoadKind.Periodic, 10_000_000, 1_000_000, 0)]
    [InlineData("random:1.5s/20us@3ns", LoadKind.Random, 1_500_000_000, 20_000, 3)]
    public void TryParse_Load_IsWhatItWritesAgain(string text, LoadKind kind, long periodNs, long runNs, long startNs)
    {
        Assert.True(SimulatedLoad.TryParse(text, out SimulatedLoad load));
        Assert.Equal(new SimulatedLoad(kind, periodNs, runNs, startNs), load);
        Assert.Equal(text, load.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("bussy")]
    [InlineData("busy:1ms/1ms")]
    [InlineData("periodic")]
    [InlineData("periodic:")]
    [InlineData("periodic:10ms")]
    [InlineData("periodic:10/1")]
    [InlineData("periodic:0/1ms")]
    [InlineData("periodic:10ms/0")]
    [InlineData("periodic:10ms/1ms/1ms")]
    [InlineData("periodic:10ms/1ms@")]
    [InlineData("periodic:10ms/1ms@1ms@1ms")]
    [InlineData("periodic:10ms/1ms:1ms")]
    public void TryParse_Other_IsRefused(string text) => Assert.False(SimulatedLoad.TryParse(text, out _));

    [Theory]
    [InlineData("", "busy")]
    [InlineData(", weight: 3", "busy")]
    [InlineData(", warp: {value: 1ms}", "periodic:10ms/1ms")]
    [InlineData(", latency: 1ms", "periodic:10ms/1ms")]
    public void Assume_Domain_DependsOnWhatItNeeds(string fields, string expected) => Assert.Equal(
        expected, SimulatedLoad.Assume(SystemFile.Parse("s.yaml", $"domains: [{{name: a, image: debian{fields}}}]").Domains[0]).ToString());
}
