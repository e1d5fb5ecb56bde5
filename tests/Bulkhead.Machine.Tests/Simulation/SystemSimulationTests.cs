using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;
using CsCheck;
using Xunit;

namespace Bulkhead.Machine.Tests.Simulation;

public sealed class SystemSimulationTests
{
    private const string One = "domains: [{name: a, image: debian}]";
    private const string Pair = "domains: [{name: a, image: debian}, {name: b, image: debian}]";

    private static readonly string[] s_loads =
        ["busy", "idle", "periodic:10ms/1ms", "periodic:3ms/2ms@1ms", "periodic:1ms/2ms", "random:5ms/1ms", "random:2ms/3ms", "random:500us/100us"];

    [Fact]
    public void Run_PoolOfSeveralCpus_DealsVcpusInTurn()
    {
        SimulationResult result = Systems.Simulate(
            """
            pools: [{name: p, cpus: [4-5]}, {name: q, cpus: [last]}]
            domains:
              - {name: a, image: debian, pool: p, vcpus: 3}
              - {name: b, image: debian, pool: q}
              - {name: c, image: debian, pool: p, vcpus: 2}
            """,
            10);

        Assert.Equal(
            ["p 4: a/0 a/2 c/1", "p 5: a/1 c/0", "q last: b/0"],
            result.Cpus.Select(static c => $"{c.Pool.Name} {c.Name}: {string.Join(' ', c.Vcpus.Select(static v => v.Name))}"));
    }

    [Fact]
    public void Run_SameSeed_GivesTheSameRun_AndAnotherSeedAnother()
    {
        SimulationRequest request = Systems.Request(Pair, 100, ("a", "random:5ms/1ms"), ("b", "random:3ms/2ms"));

        Assert.Equal(Turns(request), Turns(request with { }));
        Assert.NotEqual(Turns(request), Turns(request with { Seed = 1 }));

        static IEnumerable<SimulatedTurn> Turns(SimulationRequest request) => SystemSimulation.Run(request).Cpus[0].Vcpus.SelectMany(static v => v.Turns);
    }

    [Fact]
    public void Run_RandomLoad_HasTheMeansItWasGiven()
    {
        SimulatedVcpu a = Systems.Simulate(One, 100_000, ("a", "random:10ms/2ms")).Cpus[0].Vcpus[0];

        // 10,000 pieces of 2 ms; the standard deviation of the sum is 1.4%.
        Assert.InRange(a.RanNs, 18_800 * Systems.Ms, 21_200 * Systems.Ms);
        Assert.InRange(a.Latency.WakeUps, 7_000, 9_000);
    }

    [Fact]
    public void Run_MoreWorkThanTime_NeverSleeps()
    {
        SimulatedCpu cpu = Systems.Simulate(One, 100, ("a", "periodic:10ms/11ms")).Cpus[0];

        Assert.Equal((1, 100 * Systems.Ms, 0), (cpu.Vcpus[0].Latency.WakeUps, cpu.Vcpus[0].RanNs, cpu.IdleNs));
    }

    [Fact]
    public void Run_Idle_LeavesTheCpuIdle()
    {
        SimulatedCpu cpu = Systems.Simulate(One, 100, ("a", "idle")).Cpus[0];

        Assert.Equal((0, 0, 100 * Systems.Ms), (cpu.Vcpus[0].Latency.WakeUps, cpu.Vcpus[0].RanNs, cpu.IdleNs));
    }

    // b wakes while a runs: with a warp it is dispatched when a's turn has ended, which takes the overrun.
    [Theory]
    [InlineData(0)]
    [InlineData(70_000)]
    public void Run_Overrun_IsWhatAWarpedWakeUpWaits(long overrunNs)
    {
        SimulationRequest request = Systems.Request(
            "domains: [{name: a, image: debian}, {name: b, image: debian, latency: 50us, warp: {value: 50ms}}]", 100, ("b", "periodic:10ms/1ms@5ms"));

        DispatchLatency latency = SystemSimulation.Run(request with { OverrunNs = overrunNs }).Cpus[0].Vcpus[1].Latency;

        Assert.Equal(
            new DispatchLatency(10, overrunNs, overrunNs, overrunNs, 5 * Systems.Ms, overrunNs > 50_000 ? 10 : 0), latency);
    }

    [Fact]
    public void Run_TooManyWakeUps_IsRefusedWithTheDomain()
    {
        SimulationRequest request = Systems.Request(One, 60_000, ("a", "periodic:1us/1ns"));

        OperatorException e = Assert.Throws<OperatorException>(() => SystemSimulation.Run(request));

        Assert.Equal(2, e.ExitCode);
        Assert.StartsWith("domain a: with periodic:1us/1ns there are more than 20000000 wake-ups in 60s; ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_MoreMarksThanKept_SaysUntilWhenAllAreThere()
    {
        SimulationRequest request = Systems.Request(Pair, 1000);
        IEnumerable<SimulatedTurn> all = SystemSimulation.Run(request).Cpus[0].Vcpus.SelectMany(static v => v.Turns);

        SimulationResult few = SystemSimulation.Run(request with { KeptMarks = 20 });

        // Two wake-ups at the start and 18 turns.
        SimulatedTurn[] kept = [.. few.Cpus[0].Vcpus.SelectMany(static v => v.Turns)];
        Assert.Equal(18, kept.Length);
        Assert.Equal(all.Where(t => t.FromNs < few.KeptNs), kept);
        Assert.Equal(kept.Max(static t => t.ToNs), few.KeptNs);
    }

    /// <summary>Every CPU's time is one vCPU's or idle, without gap or overlap, and nobody waits longer than was computed.</summary>
    [Fact]
    public void Run_AnySystem_AddsUpAndKeepsTheBounds() =>
        Gen.Select(GenDomain.Array[1, 5], Gen.Int[1, 2], Gen.Int[0, 3], Gen.Int[1, 40], Gen.ULong).Sample(
            (domains, cpus, overrun, allowance, seed) =>
            {
                SimulationResult result = SystemSimulation.Run(new SimulationRequest
                {
                    System = new SystemConfig(
                        "s.yaml",
                        [new PoolConfig("p", [new CpuSelector(0, cpus - 1)], SchedulingPolicy.Bvt, allowance * 100_000)],
                        [.. domains.Select(static (d, i) => d.Domain with { Name = $"d{i}" })]),
                    Loads = domains.Select(static (d, i) => (Key: $"d{i}", Value: Systems.Load(s_loads[d.Load]))).ToDictionary(static l => l.Key, static l => l.Value),
                    DurationNs = 300 * Systems.Ms,
                    OverrunNs = overrun * 50_000,
                    Seed = seed,
                    KeptMarks = int.MaxValue,
                });
                Assert.All(result.Cpus, CheckCpu);
            },
            iter: 2_000,
            threads: 1);

    private static readonly Gen<(DomainConfig Domain, int Load)> GenDomain = Gen.Select(
        Gen.Int[1, 5], Gen.Int[1, 2], Gen.Int[0, 3], Gen.Int[0, 2], Gen.Int[0, 2], Gen.Int[0, s_loads.Length - 1]).Select(static (weight, vcpus, warp, limit, unwarp, load) =>
        (new DomainConfig
        {
            Name = string.Empty,
            Pool = "p",
            Weight = weight,
            Vcpus = vcpus,
            Warp = warp == 0 ? null : new WarpConfig(warp * 4 * Systems.Ms, limit * 3 * Systems.Ms, limit == 0 ? 0 : unwarp * 5 * Systems.Ms),
        }, load));

    private static void CheckCpu(SimulatedCpu cpu)
    {
        long at = 0;
        long idle = 0;
        foreach ((SimulatedVcpu vcpu, SimulatedTurn turn) in cpu.Vcpus.SelectMany(static v => v.Turns.Select(t => (v, t))).OrderBy(static t => t.t.FromNs))
        {
            Assert.True(turn.FromNs >= at && turn.ToNs > turn.FromNs, $"{vcpu.Name} runs at {turn.FromNs}, and before somebody until {at}");
            idle += turn.FromNs - at;
            at = turn.ToNs;
        }

        Assert.Equal(cpu.IdleNs, idle + (300 * Systems.Ms) - at);
        Assert.All(cpu.Vcpus, static v =>
        {
            Assert.Equal(v.RanNs, v.Turns.Sum(static t => t.ToNs - t.FromNs));
            Assert.Equal(v.Latency.WakeUps, v.Waits.Count);
            Assert.False(v.ExceedsBound, $"{v.Name} waited {v.Latency.MaxNs} at {v.Latency.MaxWokenNs}, more than {v.Schedule.WorstDispatchNs}");
        });
    }
}
