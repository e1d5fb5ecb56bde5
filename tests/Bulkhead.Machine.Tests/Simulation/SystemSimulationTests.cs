using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;
using Bulkhead.Machine.Workers;
using CsCheck;
using Xunit;

namespace Bulkhead.Machine.Tests.Simulation;

public sealed class SystemSimulationTests
{
    private const string One = "domains: [{name: a, image: debian}]";
    private const string Pair = "domains: [{name: a, image: debian}, {name: b, image: debian}]";

    private static readonly string[] s_loads =
        ["busy", "idle", "periodic:10ms/1ms", "periodic:3ms/2ms@1ms", "periodic:1ms/2ms", "random:5ms/1ms", "random:2ms/3ms", "random:500us/100us",
         "busy,hint=1", "periodic:3ms/2ms,hint=1:300us", "random:5ms/1ms,hint=1", "random:2ms/3ms,hint=1:1ms"];

    [Fact]
    public void Run_PoolOfSeveralCpus_DealsVcpusInTurn()
    {
        SimulationResult result = Systems.Simulate(
            """
            pools: [{name: p, cpus: [4-5], policy: edf}, {name: q, cpus: [last]}]
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

    [Fact]
    public void Run_ThreeBusyOnTwoCpus_GetTwoThirdsEach()
    {
        SimulatedCpu pool = Assert.Single(Systems.Simulate(
            """
            pools: [{name: p, cpus: [4-5]}]
            domains:
              - {name: a, image: debian}
              - {name: b, image: debian}
              - {name: c, image: debian}
              - {name: d, image: debian}
            """,
            10_000,
            ("d", "idle")).Cpus);

        Assert.Equal(("4, 5", 2, 0), (pool.Name, pool.CpuCount, pool.IdleNs));
        Assert.All(pool.Vcpus.Take(3), static v => Assert.InRange(v.RanNs / 1e10, 0.66, 0.674));
        Assert.InRange(pool.Vcpus.Sum(static v => v.Moves), 50, 400);
    }

    [Fact]
    public void Run_OneCpuIsIdle_TakesWhoWaitsOnTheOther()
    {
        SimulatedCpu pool = Assert.Single(Systems.Simulate(
            """
            pools: [{name: p, cpus: [0-1]}]
            domains:
              - {name: a, image: debian}
              - {name: b, image: debian}
              - {name: c, image: debian}
            """,
            1000,
            ("b", "idle")).Cpus);

        // Both were dealt to the first CPU, and b, which was to have the second, never wakes.
        Assert.Equal([1000 * Systems.Ms, 1000 * Systems.Ms], [pool.Vcpus[0].RanNs, pool.Vcpus[2].RanNs]);
        Assert.Equal(1, pool.Vcpus.Sum(static v => v.Moves));
    }

    [Fact]
    public void Run_OneNeedsALatency_StaysAndIsWithinItsBoundWhateverMoves()
    {
        SimulationResult result = Systems.Simulate(
            """
            pools: [{name: p, cpus: [0-1]}]
            domains:
              - {name: rt, image: debian, latency: 2ms, warp: {value: 20ms}}
              - {name: a, image: debian, vcpus: 2}
              - {name: b, image: debian, vcpus: 2}
            """,
            5000,
            ("rt", "periodic:10ms/3ms"), ("a", "random:7ms/5ms"), ("b", "busy"));

        SimulatedVcpu rt = result.Cpus[0].Vcpus[0];
        Assert.Equal((0, 0), (rt.Moves, rt.Latency.MaxNs));
        Assert.True(result.Cpus[0].Vcpus.Sum(static v => v.Moves) > 20);
        Assert.All(result.Cpus[0].Vcpus, static v => Assert.False(v.ExceedsBound));
    }

    /// <summary>Every CPU's time is one vCPU's or idle, without gap or overlap, nobody is on two CPUs, and nobody waits longer than was computed.</summary>
    [Fact]
    public void Run_AnySystem_AddsUpAndKeepsTheBounds() =>
        Gen.Select(GenDomain.Array[1, 5], Gen.Int[1, 3], Gen.Int[0, 3], Gen.Int[1, 40], Gen.ULong).Sample(
            (domains, cpus, overrun, allowance, seed) =>
            {
                SimulationResult result = SystemSimulation.Run(new SimulationRequest
                {
                    System = new SystemConfig(
                        "s.yaml",
                        [new PoolConfig("p", [new CpuSelector(0, cpus - 1)], SchedulingPolicy.Bvt, allowance * 100_000)],
                        [.. domains.Select((d, i) => d.Domain with { Name = $"d{i}", Cpus = d.Domain.Cpus.Any(c => c >= cpus) ? [] : d.Domain.Cpus })]),
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

    // None, one or two; by what the guest says, by waking, or both; half of them with a limit.
    private static readonly Gen<ShareClass[]> GenClasses = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 2], Gen.Int[0, 3]).Array[0, 2].Select(static classes =>
        classes.OrderByDescending(static c => c.Item1).Select(static (c, i) => new ShareClass($"c{i}")
        {
            WarpNs = c.Item1 * 5 * Systems.Ms,
            Hint = (byte)(c.Item2 == 0 ? 0 : 1),
            WakeNs = c.Item2 == 1 ? 0 : (i + 1) * 300_000,
            LimitNs = c.Item3 < 2 ? 0 : c.Item3 * Systems.Ms,
            RestNs = c.Item3 < 2 ? 0 : 6 * Systems.Ms,
        }).ToArray());

    private static readonly Gen<(DomainConfig Domain, int Load)> GenDomain = Gen.Select(
        Gen.Int[1, 5], Gen.Int[1, 2], Gen.Int[0, 3], Gen.Int[0, 2], Gen.Int[0, 9], Gen.Int[0, s_loads.Length - 1], GenClasses).Select(static (weight, vcpus, warp, limit, more, load, classes) =>
        (new DomainConfig
        {
            Name = string.Empty,
            Pool = "p",
            Weight = weight,
            Vcpus = vcpus,
            Warp = warp == 0 ? null : new WarpConfig(warp * 4 * Systems.Ms, limit * 3 * Systems.Ms, limit == 0 ? 0 : more % 3 * 5 * Systems.Ms),
            Latency = more == 0 ? new LatencyNeed(Systems.Ms, string.Empty) : null,
            Cpus = more switch { 1 => [0], 2 => [1], 3 => [0, 1], _ => [] },
            Classes = classes,
        }, load));

    private static void CheckCpu(SimulatedCpu cpu)
    {
        long idle = 0;
        for (int number = 0; number < cpu.CpuCount; number++)
        {
            idle += (300 * Systems.Ms) - InOrder(cpu.Vcpus.SelectMany(static v => v.Turns).Where(t => t.Cpu == number));
        }

        Assert.Equal(cpu.IdleNs, idle);
        Assert.All(cpu.Vcpus, static v => _ = InOrder(v.Turns));
        Assert.All(cpu.Vcpus, static v =>
        {
            Assert.Equal(v.RanNs, v.Turns.Sum(static t => t.ToNs - t.FromNs));
            Assert.Equal(v.Latency.WakeUps, v.Waits.Count);
            Assert.False(v.ExceedsBound, $"{v.Name} waited {v.Latency.MaxNs} at {v.Latency.MaxWokenNs}, more than {v.Schedule.WorstDispatchNs}");
        });
    }

    // How long they are in all, none before the last is over.
    private static long InOrder(IEnumerable<SimulatedTurn> turns)
    {
        long at = 0;
        long sum = 0;
        foreach (SimulatedTurn turn in turns.OrderBy(static t => t.FromNs))
        {
            Assert.True(turn.FromNs >= at && turn.ToNs > turn.FromNs, $"one turn begins at {turn.FromNs}, and the last ends at {at}");
            sum += turn.ToNs - turn.FromNs;
            at = turn.ToNs;
        }

        return sum;
    }
}
