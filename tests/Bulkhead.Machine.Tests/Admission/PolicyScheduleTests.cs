using Bulkhead.Host;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Xunit;

namespace Bulkhead.Machine.Tests.Admission;

public sealed class PolicyScheduleTests
{
    private const long Ms = 1_000_000;

    [Fact]
    public void Compute_Edf_IsByReservation()
    {
        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(
            Edf("{period: 10ms, budget: 2ms, extra: false}", "{period: 5ms, budget: 2ms}"), overrunNs: 0);

        // a: 2 ms of b just before its deadline and 2 ms just behind; without budget, 8 ms more. b: a's 2 ms, once, since
        // its next deadline is behind b's; what it takes beyond its budget waits for one turn of c and what a may run.
        Assert.Equal([0.2, 0.4, 0.2], all.Select(v => Math.Round(v.Share, 9)));
        Assert.Equal((4 * Ms, 12 * Ms), (all[0].LevelDispatchNs, all[0].WorstDispatchNs));
        Assert.Equal(
            [new DispatchTerm("b", 0, 4 * Ms, 4 * Ms), new DispatchTerm("c", 0, 0, 0), new DispatchTerm("its next budget", -1, 0, 8 * Ms)], all[0].Terms);
        Assert.Equal(2 * Ms, all[1].LevelDispatchNs);
        Assert.InRange(all[1].WorstDispatchNs, 4 * Ms, 6 * Ms);
        Assert.Equal(all[2].LevelDispatchNs, all[2].WorstDispatchNs);
    }

    [Fact]
    public void Compute_EdfBoundByItsDeadline_SaysSo()
    {
        VcpuSchedule a = VcpuSchedule.Compute(Edf("{period: 10ms, budget: 2ms, extra: false}", "{period: 20ms, budget: 15ms}"), overrunNs: 0)[0];

        Assert.Equal(8 * Ms, a.LevelDispatchNs);
        Assert.Equal(["its deadline", "b/0", "c/0", "its next budget"], a.Terms.Select(t => t.Name));
        Assert.Equal([8 * Ms, 0, 0, 0], a.Terms.Select(t => t.LevelNs));
        Assert.Equal(a.WorstDispatchNs, a.Terms.Sum(t => t.WorstNs));
    }

    [Theory]
    [InlineData("latency: 14ms,", LatencyVerdict.Always)]
    [InlineData("latency: 5ms,", LatencyVerdict.WithinLoan)]
    [InlineData("latency: 3ms,", LatencyVerdict.Refused)]
    public void Verdict_Edf_IsOfWhatTheDomainNeeds(string latency, LatencyVerdict verdict) =>
        Assert.Equal(
            verdict, VcpuSchedule.Compute(Edf("{period: 10ms, budget: 2ms, extra: false}", "{period: 5ms, budget: 2ms}", latency))[0].Verdict);

    [Fact]
    public void Admit_EdfNeedNotMet_NamesTheTermAndTheFix()
    {
        string message = Refused(Edf("{period: 10ms, budget: 2ms}", "{period: 5ms, budget: 2ms}", "latency: 3ms,"));

        Assert.StartsWith("s.yaml:3:24: domain a, vCPU 0: needs 3ms from wake-up to dispatch, but b, vCPU 0 may run 4.", message, StringComparison.Ordinal);
        Assert.EndsWith("before it, with a deadline no later; give a a shorter period, or b a smaller budget, or another pool", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Admit_EdfWithoutReservation_SaysToGiveOne() =>
        Assert.EndsWith("for what others leave; give a a reservation", Refused(SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [0], policy: edf}]
            domains:
              - {name: a, image: debian, latency: 1ms}
              - {name: b, image: debian, reservation: {period: 5ms, budget: 2ms}}
            """)), StringComparison.Ordinal);

    [Fact]
    public void Admit_EdfTooMuchReserved_NamesTheOneTooManyAndTheSum() =>
        Assert.Equal(
            "s.yaml:4:43: domain b, vCPU 0: does not fit on the CPU of pool p with what is reserved before it: a/0 60%, b/0 50% make 110%, and there is 100%; "
            + "reduce a budget, lengthen a period, or give the pool another CPU",
            Refused(Edf("{period: 10ms, budget: 6ms}", "{period: 10ms, budget: 5ms}")));

    [Fact]
    public void Admit_EdfOfSeveralCpus_CountsEachByItself()
    {
        const string Domains = "domains: [{name: a, image: debian, vcpus: 3, reservation: {period: 10ms, budget: 6ms}}]";

        Assert.NotEmpty(VcpuSchedule.Admit(SystemFile.Parse("s.yaml", "pools: [{name: p, cpus: [0-2], policy: edf}]\n" + Domains)));
        Assert.StartsWith(
            "s.yaml:2:59: domain a, vCPU 2: does not fit on CPU no. 1 of pool p with what is reserved before it: a/0 60%, a/2 60% make 120%,",
            Refused(SystemFile.Parse("s.yaml", "pools: [{name: p, cpus: [0-1], policy: edf}]\n" + Domains)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Compute_TimePartitions_IsByTheFrame()
    {
        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(Partitions(string.Empty), overrunNs: 0);

        Assert.Equal([0.4, 0.15, 0.15], all.Select(v => Math.Round(v.Share, 9)));
        Assert.Equal([10 * Ms, 15 * Ms, 15 * Ms], all.Select(v => v.WorstDispatchNs));
        Assert.Equal([new DispatchTerm("its next window", -1, 14 * Ms, 14 * Ms), new DispatchTerm("its own other vCPUs", -1, Ms, Ms)], all[1].Terms);
        Assert.All(all, v => Assert.Equal(v.WorstDispatchNs, v.LevelDispatchNs));
    }

    [Fact]
    public void Admit_WindowsTooFarApart_SaysSo() =>
        Assert.EndsWith(
            "needs 9ms from wake-up to dispatch, but its next window may be 10ms away; give a windows closer to each other in the frame of pool p",
            Refused(Partitions("latency: 9ms,")),
            StringComparison.Ordinal);

    [Fact]
    public void Compute_FixedPriority_IsByWhatThoseAboveDeclare()
    {
        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(Priorities("reservation: {period: 10ms, budget: 2ms},", "latency: 3ms,"), overrunNs: 0);

        Assert.Equal([0, 2 * Ms, 2 * Ms], all.Select(v => Math.Min(v.WorstDispatchNs, 2 * Ms)));
        Assert.Equal([1, 0.8, 0], all.Select(v => Math.Round(v.Share, 9)));
        Assert.Equal(long.MaxValue, all[2].WorstDispatchNs);
        Assert.Equal((LatencyVerdict.Always, "while those above keep to what they declare"), (all[1].Verdict, all[1].WorstHolds));
        Assert.Equal("whatever anybody does", all[0].WorstHolds);
    }

    [Theory]
    [InlineData("", "but a, vCPU 0 goes first with priority 200 and declares no reservation, so may run for ever; declare how often and how long a runs, or give b a priority above 200")]
    [InlineData("reservation: {period: 10ms, budget: 9ms},", "but a, vCPU 0 may run 9ms before it; give b a priority above 200, or another pool, or a a lower one")]
    public void Admit_FixedPriorityNeedNotMet_NamesTheTermAndTheFix(string above, string end)
    {
        string message = Refused(Priorities(above, "latency: 3ms,"));

        Assert.StartsWith("s.yaml:4:", message, StringComparison.Ordinal);
        Assert.EndsWith(end, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compute_Null_NobodyWaits()
    {
        VcpuSchedule only = Assert.Single(VcpuSchedule.Admit(
            SystemFile.Parse("s.yaml", "pools: [{name: p, cpus: [0-1], policy: null}]\ndomains: [{name: a, image: debian, latency: 1us}]")));

        Assert.Equal((1, 0, LatencyVerdict.Always), (only.Share, only.WorstDispatchNs, only.Verdict));
    }

    [Fact]
    public void Admit_NullWithMoreVcpusThanCpus_NamesThePlaceAndTheFix() =>
        Assert.Equal(
            "s.yaml:1:40: pool p: policy null gives each vCPU a CPU of its own, but b, vCPU 0 would share one with a, vCPU 0; "
            + "give the pool a CPU for each of its vCPUs (it has 2), or another policy",
            Refused(SystemFile.Parse("s.yaml", "pools: [{name: p, cpus: [0-1], policy: null}]\ndomains: [{name: a, image: debian, vcpus: 2}, {name: b, image: debian, vcpus: 2}]")));

    private static SystemConfig Edf(string a, string b, string latency = "") => SystemFile.Parse("s.yaml", $$"""
        pools: [{name: p, cpus: [0], policy: edf}]
        domains:
          - {name: a, {{latency}} image: debian, reservation: {{a}}}
          - {name: b, image: debian, reservation: {{b}}}
          - {name: c, image: debian}
        """);

    private static SystemConfig Partitions(string latency) => SystemFile.Parse("s.yaml", $$"""
        pools:
          - name: p
            cpus: [0]
            policy: arinc653
            frame: {major: 20ms, windows: [{domain: a, at: 0, length: 5ms}, {domain: b, at: 5ms, length: 6ms}, {domain: a, at: 15ms, length: 3ms}]}
        domains:
          - {name: a, {{latency}} image: debian}
          - {name: b, image: debian, vcpus: 2}
        """);

    private static SystemConfig Priorities(string a, string b) => SystemFile.Parse("s.yaml", $$"""
        pools: [{name: p, cpus: [0], policy: fixed-priority}]
        domains:
          - {name: a, image: debian, {{a}} priority: 200}
          - {name: b, image: debian, {{b}} priority: 100}
          - {name: c, image: debian}
        """);

    private static string Refused(SystemConfig system)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => VcpuSchedule.Admit(system));
        Assert.Equal(2, e.ExitCode);
        return e.Message;
    }
}
