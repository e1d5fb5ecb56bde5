using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

public sealed class ClassReaderTests
{
    private const long Us = 1_000;

    [Fact]
    public void Parse_Classes_AreOfEachVcpuInOrder()
    {
        DomainConfig domain = Parse("bvt", "classes: [{name: a, hint: 2, wake: 500us, warp: 5ms, limit: 1ms, rest: 9ms}, {name: b, tpr: 3, warp: 0}]").Domains[0];

        Assert.Equal(
            [
                new ShareClass("a") { Hint = 2, WakeNs = 500 * Us, WarpNs = 5_000 * Us, LimitNs = 1_000 * Us, RestNs = 9_000 * Us },
                new ShareClass("b") { TaskPriority = 3 },
            ],
            domain.Share.Classes);
        Assert.Equal("a", domain.WakeClass?.Name);
    }

    // A class whose budget may be used up leaves what selects it to the next.
    [Theory]
    [InlineData("bvt", "classes: [{name: a, hint: 2, warp: 5ms, limit: 1ms, rest: 9ms}, {name: b, hint: 2, warp: 1ms}]")]
    [InlineData("fixed-priority", "priority: 9, classes: [{name: a, wake: 1ms, priority: 20, limit: 1ms, rest: 9ms}, {name: low, hint: 1, priority: 3}]")]
    public void Parse_UsefulClasses_AreTaken(string policy, string fields) => Assert.Equal(2, Parse(policy, fields).Domains[0].Classes.Count);

    [Theory]
    [InlineData("edf", "classes: [{name: a, hint: 2, warp: 5ms}]", "domains[0].classes: has no meaning under policy edf of pool p; classes goes with policy bvt or fixed-priority")]
    [InlineData("bvt", "classes: []", "domains[0].classes: is empty; ")]
    [InlineData("bvt", "classes: [{hint: 2, warp: 5ms}]", "domains[0].classes[0].name: is missing; ")]
    [InlineData("bvt", "classes: [{name: base, hint: 2, warp: 5ms}]", "domains[0].classes[0].name: \"base\" is what being in no class is called; ")]
    [InlineData("bvt", "classes: [{name: a, hint: 2, warp: 5ms}, {name: a, hint: 1, warp: 5ms}]", "domains[0].classes[1].name: \"a\" is the name of an earlier class; ")]
    [InlineData("bvt", "classes: [{name: a, warp: 5ms}]", "domains[0].classes[0].hint: is missing, and so are tpr, wake and doorbell; ")]
    [InlineData("bvt", "classes: [{name: a, hint: 0, warp: 5ms}]", "domains[0].classes[0].hint: \"0\" does not fit; a whole number from 1 to 255")]
    [InlineData("bvt", "classes: [{name: a, tpr: 16, warp: 5ms}]", "domains[0].classes[0].tpr: \"16\" does not fit; a whole number from 1 to 15")]
    [InlineData("bvt", "classes: [{name: a, hint: 2}]", "domains[0].classes[0].warp: is missing; ")]
    [InlineData("bvt", "classes: [{name: a, hint: 2, warp: 5ms, priority: 3}]", "domains[0].classes[0].priority: has no meaning under policy bvt of pool p; priority goes with policy fixed-priority")]
    [InlineData("bvt", "classes: [{name: a, hint: 2, warp: 5ms, limit: 1ms}]", "domains[0].classes[0].rest: is missing; limit and rest go together")]
    [InlineData("bvt", "classes: [{name: a, hint: 2, warp: 5ms}, {name: b, hint: 1, warp: 6ms}]", "domains[0].classes[1].warp: is more than that of class a before it; ")]
    [InlineData("bvt", "classes: [{name: a, hint: 2, warp: 5ms}, {name: b, hint: 2, warp: 1ms}]", "domains[0].classes[1].name: \"b\" is never selected; all that selects it selects class a before it")]
    [InlineData("bvt", "classes: [{name: a, tpr: 3, warp: 5ms}, {name: b, tpr: 4, warp: 1ms}]", "domains[0].classes[1].name: \"b\" is never selected; ")]
    [InlineData("fixed-priority", "classes: [{name: a, hint: 2, priority: 1}]", "domains[0].classes[0].limit: is missing; a class with more than the domain's own priority, 0, has a limit and a rest")]
    [InlineData("fixed-priority", "classes: [{name: a, hint: 2, warp: 1ms, priority: 0}]", "domains[0].classes[0].warp: has no meaning under policy fixed-priority of pool p; warp goes with policy bvt")]
    [InlineData("bvt", "classes: [{name: a, doorbell: 64, warp: 5ms}]", "domains[0].classes[0].doorbell: \"64\" does not fit; a whole number from 0 to 63")]
    [InlineData("bvt", "classes: [{name: a, doorbell: 2, warp: 5ms}]", "domains[0].classes[0].doorbell: 2 is no doorbell of a; a number below 2, which is what a has in its channels")]
    [InlineData("bvt", "classes: [{name: a, doorbell: 1, warp: 5ms}, {name: b, doorbell: 1, warp: 1ms}]", "domains[0].classes[1].name: \"b\" is never selected; ")]
    public void Parse_WrongClass_SaysWhat(string policy, string fields, string start)
    {
        var e = Assert.Throws<OperatorException>(() => Parse(policy, fields));

        Assert.Equal(2, e.ExitCode);
        Assert.Contains(start, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Parse_DoorbellWithoutAChannel_SaysSo()
    {
        var e = Assert.Throws<OperatorException>(static () => SystemFile.Parse("s.yaml", "domains: [{name: a, image: debian, classes: [{name: u, doorbell: 0, warp: 1ms}]}]"));

        Assert.Contains("domains[0].classes[0].doorbell: 0 is no doorbell of a; a channel with doorbells that a is a member of", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_Doorbell_IsTheClasss() =>
        Assert.Equal(1, Parse("bvt", "classes: [{name: a, doorbell: 1, warp: 5ms}]").Domains[0].Classes[0].Doorbell);

    private static SystemConfig Parse(string policy, string fields) =>
        SystemFile.Parse("s.yaml", $"pools: [{{name: p, cpus: [0], policy: {policy}}}]\ndomains: [{{name: a, image: debian, {fields}}}, {{name: b, image: debian, pool: p}}]\nchannels: [{{name: x, doorbells: 2, writers: [a, b]}}]");
}
