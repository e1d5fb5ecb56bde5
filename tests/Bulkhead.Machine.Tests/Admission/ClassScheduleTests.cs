using Bulkhead.Host;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Xunit;

namespace Bulkhead.Machine.Tests.Admission;

public sealed class ClassScheduleTests
{
    private const long Ms = 1_000_000;

    // The other may claim 50 ms of virtual time, for 1 ms in 20: level, its budget for as long as the wait, and an equal's turn.
    [Fact]
    public void Compute_AnothersLimitedClass_HasATermOfItsOwn()
    {
        IReadOnlyList<VcpuSchedule> all = Compute("bvt", "", "classes: [{name: urgent, hint: 1, warp: 50ms, limit: 1ms, rest: 19ms}]");

        Assert.Equal(["b/0", "b/0 as urgent"], all[0].Terms.Select(static t => t.Name));
        Assert.Equal([Ms + 1, Ms], all[0].Terms.Select(static t => t.LevelNs));
        Assert.Equal((2 * Ms) + 1, all[0].LevelDispatchNs);

        // At its worst it is 1 ms and a bit ahead, and the other may run as much more.
        Assert.Equal([(2 * Ms) + 2, Ms], all[0].Terms.Select(static t => t.WorstNs));
        Assert.Equal(all[0].WorstDispatchNs, all[0].Terms.Sum(static t => t.WorstNs));
    }

    [Fact]
    public void Compute_WakesInAClass_IsFirstWhileItHasBudget()
    {
        VcpuSchedule one = Compute("bvt", "classes: [{name: answer, wake: 1ms, warp: 20ms, limit: 2ms, rest: 8ms}], latency: 1ms", "warp: {value: 5ms}")[0];

        Assert.Equal((0, LatencyVerdict.WithinLoan), (one.LevelDispatchNs, one.Verdict));
        Assert.Equal("until it has run 15ms beyond its share, or 2ms in class answer without 8ms out of it", one.LevelHolds);
        Assert.True(one.WorstDispatchNs > 20 * Ms);
    }

    [Fact]
    public void Compute_FixedPriorities_BudgetsBoundWhatNobodyDeclares()
    {
        IReadOnlyList<VcpuSchedule> all = Compute(
            "fixed-priority", "priority: 10", "priority: 5, classes: [{name: urgent, hint: 1, priority: 20, limit: 1ms, rest: 4ms}]");

        Assert.Equal((Ms, "whatever anybody does"), (all[0].WorstDispatchNs, all[0].WorstHolds));
        Assert.Equal(["b/0", "b/0 as urgent"], all[0].Terms.Select(static t => t.Name));
        Assert.Equal([0, Ms], all[0].Terms.Select(static t => t.WorstNs));
        Assert.Equal(0.8, all[0].Share, 6);
        Assert.Equal(long.MaxValue, all[1].WorstDispatchNs);
    }

    [Theory]
    [InlineData("bvt", "latency: 1ms", "classes: [{name: urgent, hint: 1, warp: 50ms, limit: 5ms, rest: 19ms}]", "b, vCPU 0 may run 5ms in class urgent before it")]
    [InlineData("fixed-priority", "priority: 10, latency: 500us", "classes: [{name: urgent, hint: 1, priority: 20, limit: 1ms, rest: 4ms}]", "b, vCPU 0 may run 1ms in class urgent before it; give a a priority above 20, or another pool, or class urgent of b a lower limit or a longer rest")]
    public void Admit_AnothersClassBreaksTheNeed_NamesIt(string policy, string first, string second, string words) =>
        Assert.Contains(
            words,
            Assert.Throws<OperatorException>(() => VcpuSchedule.Admit(Compute(policy, first, second))).Message,
            StringComparison.Ordinal);

    private static IReadOnlyList<VcpuSchedule> Compute(string policy, string first, string second) => VcpuSchedule.Compute(
        SystemFile.Parse("s.yaml", $"pools: [{{name: p, cpus: [0], policy: {policy}}}]\ndomains: [{{{Fields("a", first)}}}, {{{Fields("b", second)}}}]"),
        overrunNs: 0);

    private static string Fields(string name, string fields) => $"name: {name}, image: debian{(fields.Length == 0 ? string.Empty : ", " + fields)}";
}
