using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

public sealed class ScheduleReaderTests
{
    private const long Ms = 1_000_000;

    [Theory]
    [InlineData("bvt", SchedulingPolicy.Bvt)]
    [InlineData("edf", SchedulingPolicy.Edf)]
    [InlineData("fixed-priority", SchedulingPolicy.FixedPriority)]
    [InlineData("null", SchedulingPolicy.Null)]
    public void Parse_Policy_IsTaken(string word, SchedulingPolicy policy)
    {
        PoolConfig pool = SystemFile.Parse("s.yaml", $"pools: [{{name: p, cpus: [0], policy: {word}}}]\ndomains: [{{name: a, image: debian}}]").Pools[0];

        Assert.Equal((policy, null, "s.yaml:1:38"), (pool.Policy, pool.Frame, pool.Place));
    }

    [Fact]
    public void Parse_Reservation_IsOfEachVcpu()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [0], policy: edf}]
            domains:
              - {name: a, image: debian, reservation: {period: 10ms, budget: 2ms, extra: false}}
              - {name: b, image: debian, reservation: {period: 1s, budget: 1s}}
              - {name: c, image: debian}
            """);

        Assert.Equal(
            [new CpuReservation(10 * Ms, 2 * Ms, false), new CpuReservation(1000 * Ms, 1000 * Ms, true), null],
            system.Domains.Select(d => d.Share.Reservation));
        Assert.Equal("s.yaml:3:43", system.Domains[0].Reservation?.Place);
    }

    [Fact]
    public void Parse_Priority_IsOfEachVcpu() =>
        Assert.Equal([200, 0], SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [0], policy: fixed-priority}]
            domains: [{name: a, image: debian, priority: 200}, {name: b, image: debian}]
            """).Domains.Select(d => d.Share.Priority));

    [Fact]
    public void Parse_CpusOfADomain_AreNumbersInThePoolsList() =>
        Assert.Equal(["", "3", "0 1", "1 2 4"], SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [4-6, last, 1]}]
            domains:
              - {name: a, image: debian}
              - {name: b, image: debian, cpus: [last]}
              - {name: c, image: debian, cpus: [4-5, 4]}
              - {name: d, image: debian, cpus: [5-6, 1]}
            """).Domains.Select(static d => string.Join(' ', d.Cpus)));

    [Theory]
    [InlineData("[7]", "s.yaml:2:43: domains[0].cpus[0]: 7 is not in the domain's pool; CPUs of pool p: 4-6, 1")]
    [InlineData("[4, 6-7]", "s.yaml:2:46: domains[0].cpus[1]: 6-7 is not in the domain's pool; CPUs of pool p: 4-6, 1")]
    [InlineData("[last]", "s.yaml:2:43: domains[0].cpus[0]: last is not in the domain's pool; CPUs of pool p: 4-6, 1")]
    public void Parse_CpuOutsideThePool_IsRefused(string cpus, string message) =>
        Assert.Equal(message, Assert.Throws<OperatorException>(() => SystemFile.Parse(
            "s.yaml", $"pools: [{{name: p, cpus: [4-6, 1]}}]\ndomains: [{{name: a, image: debian, cpus: {cpus}}}]")).Message);

    [Fact]
    public void Parse_Frame_IsInOrder()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", Frame("{major: 20ms, windows: [{domain: b, at: 10ms, length: 5ms}, {domain: a, at: 0, length: 10ms}]}"));

        TimeFrame? frame = system.Pools[0].Frame;
        Assert.NotNull(frame);
        Assert.Equal(20 * Ms, frame.MajorNs);
        Assert.Equal([new TimeWindow("a", 0, 10 * Ms), new TimeWindow("b", 10 * Ms, 5 * Ms)], frame.Windows);
        Assert.Equal("a", system.Domains[0].Share.Partition);
    }

    // Line 3 is the domain's, whose pool has the policy named.
    [Theory]
    [InlineData("edf", "weight: 2", 11, "weight: has no meaning under policy edf of pool p; weight goes with policy bvt", "")]
    [InlineData("arinc653", "warp: {value: 1ms}", 9, "warp: has no meaning under policy arinc653 of pool p; warp goes with policy bvt", "")]
    [InlineData("bvt", "priority: 2", 13, "priority: has no meaning under policy bvt of pool p; priority goes with policy fixed-priority", "")]
    [InlineData("bvt", "reservation: {period: 10ms, budget: 2ms}", 16, "reservation: has no meaning under policy bvt of pool p; reservation goes with policy edf or fixed-priority", "")]
    [InlineData("null", "weight: 2", 11, "weight: has no meaning under policy null of pool p; ", "")]
    [InlineData("fixed-priority", "priority: 256", 13, "priority: \"256\" does not fit; a whole number from 0 to 255", "")]
    [InlineData("fixed-priority", "priority: high", 13, "priority: \"high\" does not fit", "")]
    [InlineData("fixed-priority", "reservation: {period: 9ms, budget: 2ms, extra: true}", 50, "reservation.extra: has no meaning under policy fixed-priority; ", "")]
    [InlineData("edf", "reservation: 2ms", 16, "reservation: is not a mapping of fields; fields are period, budget, extra", "")]
    [InlineData("edf", "reservation: {period: 9ms}", 16, "reservation.budget: is missing; a reservation is", "")]
    [InlineData("edf", "reservation: {budget: 9ms}", 16, "reservation.period: is missing; a reservation is", "")]
    [InlineData("edf", "reservation: {period: 9ms, bugdet: 2ms, budget: 1ms}", 30, "reservation.bugdet: is not a field; ", "did you mean budget?")]
    [InlineData("edf", "reservation: {period: 9ms, budget: 10ms}", 38, "reservation.budget: 10ms is more than the period; at most the period, 9ms", "")]
    [InlineData("edf", "reservation: {period: 9ms, budget: 10us}", 38, "reservation.budget: \"10us\" is too short; a time", "")]
    [InlineData("edf", "reservation: {period: 2h, budget: 1ms}", 25, "reservation.period: \"2h\" is too long; a time", "")]
    [InlineData("edf", "reservation: {period: 9, budget: 1ms}", 25, "reservation.period: \"9\" is not a time; ", "did you mean 9ms?")]
    [InlineData("edf", "reservation: {period: 9ms, budget: 1ms, extra: yes}", 50, "reservation.extra: \"yes\" is not known; one of true, false", "")]
    public void Parse_WrongDomain_SaysWhereAndWhat(string policy, string field, int column, string start, string end)
    {
        string frame = policy == "arinc653" ? ", frame: {major: 10ms, windows: [{domain: a, at: 0, length: 1ms}]}" : string.Empty;
        string message = Fails($"pools: [{{name: p, cpus: [0], policy: {policy}{frame}}}]\ndomains:\n- {field}\n  name: a\n  image: debian\n");

        Assert.StartsWith($"s.yaml:3:{column}: domains[0].{start}", message, StringComparison.Ordinal);
        Assert.EndsWith(end, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("policy: efd", 12, "policy: \"efd\" is not known; one of bvt, edf, arinc653, fixed-priority, null; did you mean edf?")]
    [InlineData("policy: edf, frame: {major: 1s}", 24, "frame: has no meaning under policy edf; frame goes with policy arinc653")]
    [InlineData("frame: {major: 1s}", 11, "frame: has no meaning under policy bvt; ")]
    [InlineData("policy: null, allowance: 1ms", 29, "allowance: has no meaning under policy null; ")]
    [InlineData("policy: arinc653", 3, "frame: is missing, and policy arinc653 needs one; a frame is { major: TIME,")]
    public void Parse_WrongPool_SaysWhereAndWhat(string fields, int column, string start)
    {
        string message = Fails($"pools:\n- {{{fields}, name: p, cpus: [0]}}\ndomains: [{{name: a, image: debian}}]");

        Assert.StartsWith($"s.yaml:2:{column}: pools[0].{start}", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    // The frame begins at column 13 of line 2.
    [Theory]
    [InlineData("5ms", 13, "frame: is not a mapping of fields; fields are major, windows", "")]
    [InlineData("{windows: [{domain: a, at: 0, length: 1ms}, {domain: b, at: 1ms, length: 1ms}]}", 13, "frame.major: is missing; a frame is", "")]
    [InlineData("{major: 9ms}", 13, "frame.windows: is missing; a frame is", "")]
    [InlineData("{major: 9ms, windows: []}", 35, "frame.windows: is empty; a list of at least one window", "")]
    [InlineData("{major: 9ms, windows: [{at: 0, length: 1ms}, {domain: a, at: 1ms, length: 1ms}, {domain: b, at: 2ms, length: 1ms}]}", 36, "frame.windows[0].domain: is missing; ", "")]
    [InlineData("{major: 9ms, windows: [{domain: a, at: 0, length: 1ms}, {domain: b, at: 1ms, lenght: 2ms, length: 1ms}]}", 90, "frame.windows[1].lenght: is not a field; ", "did you mean length?")]
    [InlineData("{major: 9ms, windows: [{domain: a, at: 0, length: 2ms}, {domain: b, at: 1ms, length: 1ms}]}", 85, "frame.windows[1].at: lies within the window of a, 0 to 2ms; windows do not overlap", "")]
    [InlineData("{major: 9ms, windows: [{domain: b, at: 1ms, length: 1ms}, {domain: a, at: 0, length: 2ms}]}", 52, "frame.windows[0].at: lies within the window of a, 0 to 2ms; ", "")]
    [InlineData("{major: 9ms, windows: [{domain: a, at: 0, length: 2ms}, {domain: b, at: 8ms, length: 1001us}]}", 98, "frame.windows[1].length: makes the window end at 9.001ms, behind the frame; windows lie within the major frame of 9ms", "")]
    [InlineData("{major: 9ms, windows: [{domain: a, at: 0, length: 2ms}, {domain: b, at: 9ms, length: 1ms}]}", 85, "frame.windows[1].at: makes the window end at 10ms, behind the frame; ", "")]
    [InlineData("{major: 9ms, windows: [{domain: a, at: 0, length: 2ms}, {domain: b, at: 3ms, length: 1us}]}", 98, "frame.windows[1].length: \"1us\" is too short; a time", "h), from 100us to 3600s")]
    public void Parse_WrongFrame_SaysWhereAndWhat(string frame, int column, string start, string end)
    {
        string message = Fails(Frame(frame));

        Assert.StartsWith($"s.yaml:2:{column}: pools[0].{start}", message, StringComparison.Ordinal);
        Assert.EndsWith(end, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Parse_WindowOfAnUnknownDomain_NamesTheNearest() =>
        Assert.Equal(
            "s.yaml:2:91: pools[0].frame.windows[1].domain: \"bb\" is not a domain of pool p; one of a, b; did you mean b?\n"
            + "s.yaml:3:44: domains[1].name: \"b\" has no window in the frame of pool p, so it would never run; each domain of an arinc653 pool has at least one window",
            Fails(Frame("{major: 9ms, windows: [{domain: a, at: 0, length: 2ms}, {length: 1ms, domain: bb, at: 3ms}]}")));

    [Fact]
    public void Parse_WindowOfAnotherPoolsDomain_IsAnError() =>
        Assert.StartsWith(
            "s.yaml:1:87: pools[0].frame.windows[0].domain: \"b\" is not a domain of pool p; one of a",
            Fails("pools: [{name: p, cpus: [0], policy: arinc653, frame: {major: 9ms, windows: [{domain: b, at: 0, length: 2ms}]}}, {name: q, cpus: [1]}]\n"
                + "domains: [{name: a, image: debian, pool: p}, {name: b, image: debian, pool: q}]"),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("partitions.yaml")]
    [InlineData("latency-ladder.yaml")]
    [InlineData("mixed-criticality.yaml")]
    [InlineData("urgency.yaml")]
    public void Load_Examples_AreAdmitted(string name)
    {
        SystemConfig system = SystemFile.Load(Path.Combine(Path.GetDirectoryName(SystemFileTests.Example()) ?? ".", name));

        Assert.NotEmpty(Machine.Admission.VcpuSchedule.Admit(system));
    }

    private static string Frame(string frame) =>
        $"pools:\n  - {{frame: {frame}, name: p, cpus: [0], policy: arinc653}}\ndomains: [{{name: a, image: debian}}, {{name: b, image: debian}}]";

    private static string Fails(string text)
    {
        var e = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", text));
        Assert.Equal(2, e.ExitCode);
        return e.Message;
    }
}
