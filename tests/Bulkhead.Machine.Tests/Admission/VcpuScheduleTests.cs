using Bulkhead.Host;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Tests.Configuration;
using Xunit;

namespace Bulkhead.Machine.Tests.Admission;

public sealed class VcpuScheduleTests
{
    [Fact]
    public void Compute_Example_ControlIsFirstUntilItsLoanIsUsedUp()
    {
        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(SystemFile.Load(SystemFileTests.Example()), overrunNs: 99_999);

        // Lag: W + C + overrun + 1. Worst: control's warp may be lost, so infotainment runs off all of control's lag,
        // and one allowance more. Infotainment waits for all control can borrow, and is at most one allowance ahead.
        // Each first waits for the end of the turn that is running.
        Assert.Equal(
            [
                ("control", 0, 51_100_000L, 50_000_000L, 99_999L, 52_299_999L),
                ("infotainment", 0, 1_100_000L, 0L, 51_199_999L, 52_299_999L),
            ],
            all.Select(one => (one.Domain.Name, one.Vcpu, one.LagNs, one.LoanNs, one.LevelDispatchNs, one.WorstDispatchNs)));
        Assert.Equal([new DispatchTerm("infotainment", 0, 0, 52_200_000)], all[0].Terms);
        Assert.Equal([0.5, 0.5], all.Select(one => one.Share));
    }

    [Fact]
    public void Compute_SeveralPools_CountsOnlyTheOwn()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [0]}, {name: q, cpus: [1]}]
            domains:
              - {name: a, image: debian, pool: p, vcpus: 2}
              - {name: b, image: debian, pool: q}
            """);

        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(system, overrunNs: 0);

        Assert.Equal([("a", 0), ("a", 1), ("b", 0)], all.Select(one => (one.Domain.Name, one.Vcpu)));
        Assert.Equal([1_000_001L, 1_000_001L, 0L], all.Select(one => one.LevelDispatchNs));
    }

    [Fact]
    public void Compute_PoolOfSeveralCpus_CountsAllWhoMayComeAndWhatTheyGetOfThePool()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [0-1, last]}]
            domains:
              - {name: a, image: debian, vcpus: 2, weight: 3}
              - {name: b, image: debian, vcpus: 2}
            """);

        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(system, overrunNs: 0);

        Assert.Equal([0, 1, 2, 0], all.Select(one => one.Cpu));
        Assert.Equal([1, 1, 0.5, 0.5], all.Select(one => one.Share));
        Assert.Equal("a/1 b/0 b/1 its move", string.Join(' ', all[0].Terms.Select(static t => t.Name)));

        // Each may be before it where it wakes, and once more where it is moved to.
        Assert.All(all, one => Assert.Equal(3 * 2 * 1_000_001L, one.LevelDispatchNs));
    }

    [Fact]
    public void Compute_OneNeedsALatency_CountsThoseDealtToItsCpuOnly()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [0-1]}]
            domains:
              - {name: rt, image: debian, latency: 5ms}
              - {name: a, image: debian, vcpus: 4}
            """);

        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(system, overrunNs: 0);

        // It shares its CPU with a/1 and a/3 alone; they may leave and come back.
        Assert.Equal([0, 1, 0, 1, 0], all.Select(one => one.Cpu));
        Assert.Equal(("a/1 a/3", 2 * 1_000_001L), (string.Join(' ', all[0].Terms.Select(static t => t.Name)), all[0].LevelDispatchNs));
        Assert.Equal(1.0 / 3, all[0].Share);

        // The others may all be on the other CPU, which is the only one for those dealt to it; rt is where two of them may wake.
        Assert.Equal("a/1 a/2 a/3", string.Join(' ', all[1].Terms.Select(static t => t.Name)));
        Assert.Equal("rt/0 a/0 a/2 a/3 its move", string.Join(' ', all[2].Terms.Select(static t => t.Name)));
    }

    [Fact]
    public void Compute_Pinned_SharesWithThoseWhoMayComeThere()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [4-5]}]
            domains:
              - {name: a, image: debian, cpus: [5]}
              - {name: b, image: debian, cpus: [4]}
              - {name: c, image: debian}
            """);

        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(system, overrunNs: 0);

        Assert.Equal([1, 0, 0], all.Select(one => one.Cpu));
        Assert.Equal(["c/0", "c/0", "a/0 b/0 its move"], all.Select(one => string.Join(' ', one.Terms.Select(static t => t.Name))));
        Assert.Equal([1_000_001L, 1_000_001L, 4 * 1_000_001L], all.Select(one => one.LevelDispatchNs));
    }

    [Fact]
    public void Verdict_AloneOnItsCpu_AlwaysHolds()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", "domains: [{name: a, image: debian, latency: 1us}]");

        Assert.Equal(LatencyVerdict.Always, Assert.Single(VcpuSchedule.Admit(system)).Verdict);
    }

    [Fact]
    public void Admit_AnotherWarpsAsFar_NamesThePlaceTheTermAndTheFix()
    {
        OperatorException e = Assert.Throws<OperatorException>(() => VcpuSchedule.Admit(WithOther("warp: {value: 10ms}, latency: 200us")));

        Assert.Equal(2, e.ExitCode);
        Assert.StartsWith("s.yaml:2:60: domain a, vCPU 0: needs 200us", e.Message, StringComparison.Ordinal);
        Assert.Contains("b, vCPU 0 may run", e.Message, StringComparison.Ordinal);
        Assert.Contains("give a a warp with a larger value", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Admit_LessThanATurnsEnd_SaysSo() =>
        Assert.Contains(
            "ending the turn that is running may take 100us",
            Assert.Throws<OperatorException>(() => VcpuSchedule.Admit(WithOther("warp: {value: 50ms}, latency: 99us"))).Message,
            StringComparison.Ordinal);

    private static SystemConfig WithOther(string fields) => SystemFile.Parse("s.yaml", $$"""
        domains:
          - {name: a, image: debian, {{fields}}}
          - {name: b, image: debian, warp: {value: 20ms} }
        """);
}
