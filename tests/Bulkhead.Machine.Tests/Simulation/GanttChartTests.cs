using System.Globalization;
using System.Xml.Linq;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;
using Xunit;

namespace Bulkhead.Machine.Tests.Simulation;

public sealed class GanttChartTests
{
    private const string Yaml = """
        pools: [{name: p, cpus: [0, 1], allowance: 2ms}]
        domains:
          - {name: a, image: debian, vcpus: 2, latency: 1s, warp: {value: 20ms, limit: 2ms}}
          - {name: b, image: debian, vcpus: 2}
        """;

    [Fact]
    public void Write_System_HasALanePerVcpuAndABarPerTurn()
    {
        SimulationResult result = Systems.Simulate(Yaml, 100, ("a", "periodic:7ms/3ms@1ms"));
        SimulatedVcpu[] vcpus = [.. result.Cpus.SelectMany(static c => c.Vcpus)];

        XElement svg = Draw(result);

        Assert.Equal(4, Of(svg, "rect", "lane").Count());
        Assert.Equal(vcpus.Sum(static v => v.Turns.Count(static t => t.Warped)), Of(svg, "rect", "warped").Count() - 1);
        Assert.Equal(vcpus.Sum(static v => v.Turns.Count(static t => !t.Warped)), Of(svg, "rect", "run").Count() - 1);
        Assert.Equal(vcpus.Sum(static v => v.Waits.Count), Of(svg, "line", "wake").Count() - 1);
        Assert.Equal(vcpus.Sum(static v => v.Waits.Count(static w => w.DispatchedNs > w.WokenNs)), Of(svg, "rect", "wait").Count() - 1);
        Assert.Contains(vcpus, static v => v.Turns.Any(static t => t.Warped) && v.Turns.Any(static t => !t.Warped));
        Assert.DoesNotContain(svg.Descendants(), static e => e.Name.LocalName == "script");
        string[] texts = Texts(svg);
        Assert.Equal("s.yaml: 100ms, bvt", texts[0]);
        Assert.Equal(
            ["pool p, CPU 0: bvt, allowance 2ms, idle 0.0%", "a/0", "periodic:7ms/3ms@1ms", "b/0", "busy", "pool p, CPU 1: bvt, allowance 2ms, idle 0.0%", "a/1", "periodic:7ms/3ms@1ms", "b/1", "busy"],
            texts[2..12]);
        Assert.Equal(["0", "10ms", "20ms"], texts[12..15]);
        Assert.Equal(["runs", "runs warped", "waits, from wake-up to dispatch", "wake-up"], texts[^4..]);
    }

    [Fact]
    public void Write_Policy_IsCalledAsInTheFile()
    {
        string[] texts = Texts(Draw(Systems.Simulate("pools: [{name: p, cpus: [0], policy: fixed-priority}]\ndomains: [{name: a, image: debian}]", 10, ("a", "busy"))));

        Assert.Equal("s.yaml: 10ms, fixed-priority", texts[0]);
        Assert.StartsWith("pool p, CPU 0: fixed-priority, allowance ", texts[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Write_Turns_LieWhereTheirTimeIs()
    {
        XElement svg = Draw(Systems.Simulate("domains: [{name: a, image: debian}]", 100, ("a", "periodic:50ms/10ms@25ms")));

        XElement lane = Assert.Single(Of(svg, "rect", "lane"));
        XElement[] bars = [.. Of(svg, "rect", "run").SkipLast(1)];
        Assert.Equal([0.25, 0.75], bars.Select(b => Math.Round((Number(b, "x") - Number(lane, "x")) / Number(lane, "width"), 6)));
        Assert.All(bars, b => Assert.Equal(0.1, Number(b, "width") / Number(lane, "width"), 6));
        Assert.Equal("a/0 runs 10ms from 25ms", bars[0].Value);
    }

    [Fact]
    public void Write_TooManyTurns_DrawsTheFirstAndSaysSo()
    {
        SimulationResult result = SystemSimulation.Run(Systems.Request(Yaml, 1000) with { KeptMarks = 40 });

        XElement svg = Draw(result);

        Assert.InRange(Of(svg, "rect", "run").Count() + Of(svg, "rect", "warped").Count(), 10, 42);
        Assert.StartsWith($"cut: only the first {Bulkhead.Core.Quantity.FormatDuration(result.KeptNs)} of 1s are drawn", Texts(svg)[2], StringComparison.Ordinal);
        XElement lane = Of(svg, "rect", "lane").First();
        Assert.All(
            Of(svg, "rect", "run").SkipLast(1),
            b => Assert.InRange(Number(b, "x") + Number(b, "width"), Number(lane, "x"), Number(lane, "x") + Number(lane, "width") + 0.01));
    }

    [Fact]
    public void Write_NameOfTheFile_IsEscaped()
    {
        var request = new SimulationRequest
        {
            System = SystemFile.Parse("/some/where/<script>&\"\u0001\uFFFF.yaml", "domains: [{name: a, image: debian}]"),
        };

        Assert.Equal("<script>&\"??.yaml: 1s, bvt", Texts(Draw(SystemSimulation.Run(request)))[0]);
    }

    [Theory]
    [InlineData(1, new long[] { 0, 1 })]
    [InlineData(7, new long[] { 0, 1, 2, 3, 4, 5, 6, 7 })]
    [InlineData(30_000_000, new long[] { 0, 5_000_000, 10_000_000, 15_000_000, 20_000_000, 25_000_000, 30_000_000 })]
    [InlineData(11_500_000, new long[] { 0, 2_000_000, 4_000_000, 6_000_000, 8_000_000, 10_000_000 })]
    public void Ticks_AnyLength_AreRoundAndFew(long endNs, long[] expected) => Assert.Equal(expected, new TimeAxis(endNs, 0, 1).Ticks());

    private static XElement Draw(SimulationResult result)
    {
        using var stream = new MemoryStream();
        GanttChart.Write(stream, result);
        stream.Position = 0;
        return XDocument.Load(stream).Root ?? throw new InvalidOperationException("There is no root.");
    }

    private static IEnumerable<XElement> Of(XElement svg, string element, string kind) =>
        svg.Descendants().Where(e => e.Name.LocalName == element && e.Attribute("class")?.Value == kind);

    private static string[] Texts(XElement svg) => [.. svg.Descendants().Where(static e => e.Name.LocalName == "text").Select(static e => e.Value)];

    private static double Number(XElement element, string name) =>
        double.Parse(element.Attribute(name)?.Value ?? string.Empty, CultureInfo.InvariantCulture);
}
