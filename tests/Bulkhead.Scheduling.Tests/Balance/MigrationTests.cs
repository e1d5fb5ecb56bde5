using Bulkhead.Scheduling.Balance;
using Bulkhead.Scheduling.Classes;
using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests.Balance;

public sealed class MigrationTests
{
    // Whoever is moved whenever and wherever to: what the lag is bounded by on one CPU bounds it on each.
    [Fact]
    public void LagNs_AnyMoves_HoldsAtEveryInstantOnEveryCpu() =>
        Gen.Select(RandomSchedule.Any, Gen.Int[2, 4], Gen.Int).Sample(
            (schedule, cpus, seed) =>
            {
                var random = new Random(seed);
                var queues = new MigratingQueues(schedule, cpus, hungry: false);
                var svts = new Int128[cpus];
                queues.Check = () =>
                {
                    for (int cpu = 0; cpu < cpus; cpu++)
                    {
                        Int128 svt = queues.Queues[cpu].Svt;
                        Assert.True(svt >= svts[cpu], $"SVT of CPU {cpu} fell");
                        svts[cpu] = svt;
                    }

                    int i = 0;
                    foreach ((int cpu, int slot) in queues.Places)
                    {
                        if (slot < 0)
                        {
                            i++;
                            continue;
                        }

                        long bound = BvtBounds.LagNs(schedule.Vcpus[i], schedule.AllowanceNs, schedule.OverrunNs);
                        Int128 lag = queues.Queues[cpu].Actual(slot) - svts[cpu];
                        Assert.True(lag <= VirtualTime.Scale(bound), $"vCPU {i}: lag {VirtualTime.Floor(lag)} > {bound}");
                        Assert.True(lag >= 0 || !queues.Queues[cpu].IsRunnable(slot), $"vCPU {i} is behind SVT");
                        i++;
                    }
                };
                queues.Run(200, () => random.Next(3) == 0 ? (random.Next(schedule.Vcpus.Length), random.Next(cpus)) : null);
            },
            iter: RandomSchedule.Count,
            threads: 1);

    // Classes, hints and moves as the rules allow them, some in the midst of a wait.
    [Fact]
    public void Dispatch_AnyMovesWithinTheRules_HoldsForEveryWake() =>
        Gen.Select(RandomSchedule.Any, Gen.Int[2, 3], Gen.Bool, Gen.Int).Sample(
            (schedule, cpus, slow, seed) =>
            {
                schedule = slow ? schedule with { ScaleNs = 10_000_000 } : schedule;
                var random = new Random(seed);
                var queues = new MigratingQueues(schedule, cpus, hungry: false) { KeepsRules = true };
                var deadline = new long[schedule.Vcpus.Length];
                Array.Fill(deadline, long.MaxValue);
                queues.Woken = (i, lag) =>
                {
                    BvtVcpu vcpu = schedule.Vcpus[i];
                    (int cpu, int slot) = queues.Places.ElementAt(i);
                    long warp = BvtBoundsTests.LeastWarpNs(vcpu, queues.Queues[cpu], slot, queues.NowNs);
                    long bound = Math.Min(
                        BvtPoolBounds.Dispatch(schedule.Vcpus, i, schedule.AllowanceNs, schedule.OverrunNs, lag, warp, moves: true).Ns,
                        BvtPoolBounds.Worst(schedule.Vcpus, i, schedule.AllowanceNs, schedule.OverrunNs, moves: true).Ns);
                    if (lag == 0 && warp >= vcpu.LevelWarpNs)
                    {
                        bound = Math.Min(bound, BvtPoolBounds.Level(schedule.Vcpus, i, schedule.AllowanceNs, schedule.OverrunNs, moves: true).Ns);
                    }

                    deadline[i] = BvtBoundsTests.Later(queues.NowNs, bound);
                };
                queues.Dispatched = i =>
                {
                    Assert.True(queues.NowNs <= deadline[i], $"vCPU {i} late by {queues.NowNs - deadline[i]}");
                    deadline[i] = long.MaxValue;
                };
                queues.Check = () =>
                {
                    for (int i = 0; i < deadline.Length; i++)
                    {
                        Assert.True(queues.NowNs - schedule.OverrunNs <= deadline[i], $"vCPU {i} starves");
                    }
                };
                queues.Run(200, () => random.Next(2) == 0 ? (random.Next(schedule.Vcpus.Length), random.Next(cpus)) : null);
            },
            iter: RandomSchedule.Count / 5,
            threads: 1);

    // One who never moves waits for each other once, and again for those who may have come back; in a class, for its budget.
    [Fact]
    public void Level_AgainstALimitedClass_IsItsBudgetAndNotItsLoan()
    {
        var urgent = new BvtClass(50_000_000, new ClassRule(1, 0, 0, new ClassBudget(1_000_000, 9_000_000)));
        var plain = new BvtVcpu(new BvtParameters { Weight = 1 });
        BvtVcpu[] sharers = [plain, plain with { Classes = [urgent] }];

        WaitBound stays = BvtPoolBounds.Level(sharers, 0, 1_000_000, 100_000, moves: false);
        WaitBound moves = BvtPoolBounds.Level(sharers, 0, 1_000_000, 100_000, moves: true);

        Assert.Equal(1_100_001 + 1_100_000, stays.Ns);
        Assert.Equal((2 * 1_100_001) + 1_100_000 + 200_000, moves.Ns);
        Assert.Equal([new WaitTerm(1, 0, 2_200_002), new WaitTerm(1, 1, 1_100_000), new WaitTerm(0, 0, 200_000)], moves.Terms);
    }

    // 60 ms each of two: the one that moves may meet both anew on its way, and after H again.
    [Fact]
    public void Level_LongerThanTheHold_CountsThemAgain()
    {
        BvtVcpu[] sharers = [.. Enumerable.Repeat(new BvtVcpu(new BvtParameters { Weight = 1 }), 3)];

        Assert.Equal(3 * 2 * 30_000_001, BvtPoolBounds.Level(sharers, 0, 30_000_000, 0, moves: true).Ns);
        Assert.Equal(long.MaxValue, BvtPoolBounds.Level(sharers, 0, 60_000_000, 0, moves: true).Ns);
    }

    // Everything that was run is with somebody still, and no CPU ran more than there was time.
    [Fact]
    public void Attach_AnyMoves_KeepsWhatWasRun() =>
        Gen.Select(RandomSchedule.Any, Gen.Int).Sample(
            (schedule, seed) =>
            {
                var random = new Random(seed);
                var queues = new MigratingQueues(schedule, 2, hungry: true);
                queues.Run(200, () => random.Next(4) == 0 ? (random.Next(schedule.Vcpus.Length), random.Next(2)) : null);
                long ran = queues.Places.Where(static p => p.Slot >= 0).Sum(place => queues.Queues[place.Cpu].RanNs(place.Slot));
                Assert.True(ran <= queues.RanNs && (ran == queues.RanNs || queues.Places.Any(static p => p.Slot < 0)));
                Assert.True(queues.RanNs <= 2 * queues.NowNs);
            },
            iter: RandomSchedule.Count / 5,
            threads: 1);
}
