using Bulkhead.Scheduling.Classes;
using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests;

public sealed class BvtBoundsTests
{
    [Fact]
    public void LagNs_AnySchedule_HoldsAtEveryInstant() =>
        RandomSchedule.Any.Sample(
            schedule => schedule.Run((simulation, queue, slots) =>
            {
                Int128 lastSvt = queue.Svt;
                simulation.Check = () =>
                {
                    Int128 svt = queue.Svt;
                    Assert.True(svt >= lastSvt, "SVT fell");
                    lastSvt = svt;
                    for (int i = 0; i < slots.Length; i++)
                    {
                        long bound = BvtBounds.LagNs(schedule.Vcpus[i], schedule.AllowanceNs, schedule.OverrunNs);
                        Int128 lag = queue.Actual(slots[i]) - svt;
                        Assert.True(lag <= VirtualTime.Scale(bound), $"vCPU {i}: lag {VirtualTime.Floor(lag)} > {bound}");
                        Assert.True(lag >= 0 || !queue.IsRunnable(slots[i]), $"vCPU {i} is behind SVT");
                    }
                };
            }),
            iter: RandomSchedule.Count,
            threads: 1);

    [Fact]
    public void Dispatch_AnySchedule_HoldsForEveryWake() =>
        RandomSchedule.Any.Sample(
            schedule => schedule.Run((simulation, queue, slots) =>
            {
                var deadline = new long[slots.Length];
                var worst = new long[slots.Length];
                Array.Fill(deadline, long.MaxValue);
                Array.Fill(worst, long.MaxValue);
                Int128 svt = 0;
                simulation.Waking = _ => svt = queue.Svt;
                simulation.Woken = slot =>
                {
                    int i = Array.IndexOf(slots, slot);
                    long lag = VirtualTime.Ceiling(queue.Actual(slot) - svt);
                    long warp = LeastWarpNs(schedule.Vcpus[i], queue, slot, simulation.NowNs);
                    deadline[i] = Later(simulation.NowNs, BvtBounds.Dispatch(
                        schedule.Vcpus, i, schedule.AllowanceNs, schedule.OverrunNs, lag, warp).Ns);
                    worst[i] = Later(simulation.NowNs, BvtBounds.Worst(
                        schedule.Vcpus, i, schedule.AllowanceNs, schedule.OverrunNs).Ns);
                    if (lag == 0 && warp >= schedule.Vcpus[i].LevelWarpNs)
                    {
                        worst[i] = Math.Min(worst[i], Later(simulation.NowNs, BvtBounds.Level(
                            schedule.Vcpus, i, schedule.AllowanceNs, schedule.OverrunNs).Ns));
                    }
                };
                simulation.Dispatched = slot =>
                {
                    int i = Array.IndexOf(slots, slot);
                    Assert.True(simulation.NowNs <= deadline[i], $"vCPU {i} late by {simulation.NowNs - deadline[i]}");
                    Assert.True(simulation.NowNs <= worst[i], $"vCPU {i} later than the level or the worst");
                    deadline[i] = worst[i] = long.MaxValue;
                };
                simulation.Check = () =>
                {
                    for (int i = 0; i < slots.Length; i++)
                    {
                        Assert.True(simulation.NowNs - schedule.OverrunNs <= deadline[i], $"vCPU {i} starves");
                    }
                };
            }),
            iter: RandomSchedule.Count,
            threads: 1);

    [Fact]
    public void Pick_AllHungry_SharesByWeight() =>
        RandomSchedule.Any.Sample(
            schedule =>
            {
                BvtQueue? used = null;
                int[] slots = [];
                schedule.Run((_, queue, all) => (used, slots) = (queue, all), hungry: true);
                for (int i = 0; i < slots.Length; i++)
                {
                    for (int j = 0; j < i; j++)
                    {
                        // A_i = t_i / w_i exactly here, because all were runnable from 0: cross-multiplied.
                        Int128 ti = (Int128)used!.RanNs(slots[i]) * schedule.Vcpus[j].Own.Weight;
                        Int128 tj = (Int128)used.RanNs(slots[j]) * schedule.Vcpus[i].Own.Weight;
                        long bound = Math.Max(
                            BvtBounds.LagNs(schedule.Vcpus[i], schedule.AllowanceNs, schedule.OverrunNs),
                            BvtBounds.LagNs(schedule.Vcpus[j], schedule.AllowanceNs, schedule.OverrunNs));
                        Assert.True(
                            Int128.Abs(ti - tj) <= (Int128)bound * schedule.Vcpus[i].Own.Weight * schedule.Vcpus[j].Own.Weight);
                    }
                }
            },
            iter: RandomSchedule.Count / 5,
            threads: 1);

    [Fact]
    public void Level_LargestWarp_IsZero()
    {
        BvtVcpu[] queue = [Plain(50_000_000), Plain()];

        Assert.Equal(0, BvtBounds.Level(queue, 0, 1_000_000, 0).Ns);
        Assert.Equal(50_000_000, BvtBounds.LoanNs(queue, 0));
        Assert.Equal(0, BvtBounds.LoanNs(queue, 1));
    }

    [Fact]
    public void Worst_LoanUsedUp_IsTwoAllowances()
    {
        BvtVcpu[] queue = [Plain(50_000_000), Plain()];

        Assert.Equal(2_000_002, BvtBounds.Worst(queue, 0, 1_000_000, 0).Ns);
    }

    // The other may claim 50 ms, but for 1 ms in 10 only: of a wait it has a budget, and the allowance as an equal.
    [Fact]
    public void Level_AgainstALimitedClass_IsItsBudgetAndNotItsLoan()
    {
        var urgent = new BvtClass(50_000_000, new ClassRule(1, 0, 0, new ClassBudget(1_000_000, 9_000_000)));
        BvtVcpu[] queue = [Plain(), Plain() with { Classes = [urgent] }];

        WaitBound level = BvtBounds.Level(queue, 0, 1_000_000, 0);

        Assert.Equal(2_000_001, level.Ns);
        Assert.Equal([new WaitTerm(1, 0, 1_000_001), new WaitTerm(1, 1, 1_000_000)], level.Terms);
        queue[1] = Plain() with { Classes = [urgent with { Rule = urgent.Rule with { Budget = default } }] };
        Assert.Equal(51_000_001, BvtBounds.Level(queue, 0, 1_000_000, 0).Ns);
    }

    // Two that wake in the same class: the one with more warp goes first, and its own limit is what the worst counts with.
    [Fact]
    public void Level_WakesInAClass_CountsItsWarpWhileThereIsBudget()
    {
        var answer = new BvtClass(20_000_000, new ClassRule(0, 0, 500_000, new ClassBudget(1_000_000, 9_000_000)));
        BvtVcpu[] queue = [Plain() with { Classes = [answer] }, Plain(10_000_000)];

        Assert.Equal(0, BvtBounds.Level(queue, 0, 1_000_000, 0).Ns);
        Assert.Equal(10_000_000, BvtBounds.LoanNs(queue, 0));
        Assert.Equal((20_000_000 + 1_000_001 + 10_000_000) + 1_000_001, BvtBounds.Worst(queue, 0, 1_000_000, 0).Ns);
    }

    // It may come back to a class with less than its own.
    internal static long LeastWarpNs(BvtVcpu vcpu, BvtQueue queue, int slot, long nowNs)
    {
        long warp = queue.IsWarped(slot, nowNs) ? queue.Parameters(slot).UsableWarpNs : 0;
        return queue.Parameters(slot) == vcpu.Own
            ? vcpu.Classes.Where(static c => c.Rule.MayHoldAtWake).Select(static c => c.WarpNs).Append(warp).Min()
            : warp;
    }

    private static BvtVcpu Plain(long warpNs = 0) => new(new BvtParameters { Weight = 1, WarpNs = warpNs });

    internal static long Later(long now, long by) => by > long.MaxValue / 2 - now ? long.MaxValue / 2 : now + by;
}
