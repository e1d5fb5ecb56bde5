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
    public void DispatchNs_AnySchedule_HoldsForEveryWake() =>
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
                    bool warped = queue.IsWarped(slot, simulation.NowNs);
                    deadline[i] = Later(simulation.NowNs, BvtBounds.DispatchNs(
                        schedule.Vcpus, i, schedule.AllowanceNs, schedule.OverrunNs, lag, warped));
                    worst[i] = Later(simulation.NowNs, BvtBounds.WorstDispatchNs(
                        schedule.Vcpus, i, schedule.AllowanceNs, schedule.OverrunNs));
                };
                simulation.Dispatched = slot =>
                {
                    int i = Array.IndexOf(slots, slot);
                    Assert.True(simulation.NowNs <= deadline[i], $"vCPU {i} late by {simulation.NowNs - deadline[i]}");
                    Assert.True(simulation.NowNs <= worst[i], $"vCPU {i} later than the worst");
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
                        Int128 ti = (Int128)used!.RanNs(slots[i]) * schedule.Vcpus[j].Weight;
                        Int128 tj = (Int128)used.RanNs(slots[j]) * schedule.Vcpus[i].Weight;
                        long bound = Math.Max(
                            BvtBounds.LagNs(schedule.Vcpus[i], schedule.AllowanceNs, schedule.OverrunNs),
                            BvtBounds.LagNs(schedule.Vcpus[j], schedule.AllowanceNs, schedule.OverrunNs));
                        Assert.True(
                            Int128.Abs(ti - tj) <= (Int128)bound * schedule.Vcpus[i].Weight * schedule.Vcpus[j].Weight);
                    }
                }
            },
            iter: RandomSchedule.Count / 5,
            threads: 1);

    [Fact]
    public void DispatchNs_LargestWarpAndNoLag_IsZero()
    {
        BvtParameters[] queue = [new() { Weight = 1, WarpNs = 50_000_000 }, new() { Weight = 1 }];

        Assert.Equal(0, BvtBounds.DispatchNs(queue, 0, 1_000_000, 0, lagNs: 0, warped: true));
        Assert.Equal(50_000_000, BvtBounds.LoanNs(queue, 0));
        Assert.Equal(0, BvtBounds.LoanNs(queue, 1));
    }

    [Fact]
    public void WorstDispatchNs_LoanUsedUp_IsTwoAllowances()
    {
        BvtParameters[] queue = [new() { Weight = 1, WarpNs = 50_000_000 }, new() { Weight = 1 }];

        Assert.Equal(2_000_002, BvtBounds.WorstDispatchNs(queue, 0, 1_000_000, 0));
    }

    private static long Later(long now, long by) => by > long.MaxValue / 2 - now ? long.MaxValue / 2 : now + by;
}
