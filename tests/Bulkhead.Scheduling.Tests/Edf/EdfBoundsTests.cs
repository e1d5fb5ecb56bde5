using Bulkhead.Scheduling.Edf;
using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests.Edf;

public sealed class EdfBoundsTests
{
    private const long Ms = 1_000_000;

    [Fact]
    public void Pick_AnyAdmittedSet_NoBudgetIsLate() =>
        RandomReservations.Any.Sample(
            set => set.Run((simulation, queue, slots) =>
            {
                long late = set.OverrunNs * set.Vcpus.Count(v => v.IsReserved);
                simulation.Picked = _ =>
                {
                    foreach (int slot in slots)
                    {
                        Assert.True(
                            !queue.IsRunnable(slot) || queue.LeftNs(slot) <= 0 || simulation.NowNs <= queue.DeadlineNs(slot) + late,
                            $"vCPU {slot} has {queue.LeftNs(slot)} left at {simulation.NowNs}, due {queue.DeadlineNs(slot)}");
                    }
                };
            }),
            iter: RandomSchedule.Count / 2,
            threads: 1);

    // Isolation, seen from the side of the one that takes: without extra time nobody gets more than its reservation, whatever
    // it wants and however it sleeps; and nobody runs on unreserved time while a reservation wants the pCPU.
    [Fact]
    public void Pick_AnyAdmittedSet_NobodyTakesAnothersReservation() =>
        RandomReservations.Any.Sample(
            set => set.Run((simulation, queue, slots) =>
            {
                simulation.Picked = pick =>
                {
                    bool wanted = slots.Any(s => queue.IsRunnable(s) && queue.LeftNs(s) > 0);
                    Assert.True(!pick.Found || queue.OnReservation == wanted);
                    Assert.True(pick.Found || !slots.Any(s => queue.IsRunnable(s) && (wanted || set.Vcpus[s].TakesExtra)));
                };
                simulation.Check = () =>
                {
                    for (int i = 0; i < slots.Length; i++)
                    {
                        EdfParameters own = set.Vcpus[i];
                        Int128 most = (((Int128)simulation.NowNs * own.BudgetNs) / Math.Max(own.PeriodNs, 1)) + own.BudgetNs + set.OverrunNs;
                        Assert.True(own.TakesExtra || queue.RanNs(slots[i]) <= most, $"vCPU {i} ran {queue.RanNs(slots[i])} > {most}");
                    }
                };
            }),
            iter: RandomSchedule.Count / 2,
            threads: 1);

    [Fact]
    public void DispatchNs_AnyAdmittedSet_HoldsForEveryWake() =>
        RandomReservations.Any.Sample(
            set => set.Run((simulation, queue, slots) =>
            {
                var woken = new long[slots.Length];
                var bound = new long[slots.Length];
                long[] level = [.. slots.Select(i => EdfBounds.LevelDispatchNs(set.Vcpus, i, set.SliceNs, set.OverrunNs))];
                long[] worst = [.. slots.Select(i => EdfBounds.WorstDispatchNs(set.Vcpus, i, set.SliceNs, set.OverrunNs))];
                Array.Fill(woken, -1);
                simulation.Woken = slot => (woken[slot], bound[slot]) = (simulation.NowNs, -1);
                simulation.Picked = _ =>
                {
                    foreach (int slot in slots)
                    {
                        if (woken[slot] == simulation.NowNs && bound[slot] < 0)
                        {
                            bound[slot] = set.Vcpus[slot].IsReserved && queue.LeftNs(slot) <= 0
                                ? worst[slot]
                                : level[slot];
                        }

                        Assert.True(woken[slot] < 0 || simulation.NowNs - woken[slot] - set.OverrunNs <= bound[slot], $"vCPU {slot} starves");
                    }
                };
                simulation.Dispatched = slot =>
                {
                    Assert.True(
                        woken[slot] < 0 || simulation.NowNs - woken[slot] <= bound[slot],
                        $"vCPU {slot} waited {simulation.NowNs - woken[slot]} > {bound[slot]}");
                    woken[slot] = -1;
                };
            }),
            iter: RandomSchedule.Count / 2,
            threads: 1);

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void Fits_SumOfExactlyOne_IsAdmittedWithoutASwitch(long switchNs, bool fits) =>
        Assert.Equal(fits, EdfBounds.Fits([Reservation(3, 1), Reservation(7, 2), Reservation(21, 8)], switchNs));

    [Fact]
    public void Fits_ANanosecondTooMuch_IsRefused()
    {
        const long Period = EdfParameters.MaxPeriodNs - 1;
        EdfParameters[] queue = [new() { PeriodNs = Period, BudgetNs = Period - 1 }, new() { PeriodNs = Period - 1, BudgetNs = 1 }];

        Assert.False(EdfBounds.Fits(queue));
        queue[0] = queue[0] with { BudgetNs = Period - 2 };
        Assert.True(EdfBounds.Fits(queue));
    }

    [Fact]
    public void LevelDispatchNs_OnlyReservation_IsAtOnce() =>
        Assert.Equal(0, EdfBounds.LevelDispatchNs([Reservation(10, 2), default], 0, Ms, 0));

    // 2 ms at the end of one period and 2 ms at the start of the next; and no more than 10 - 2 ms whatever there is.
    [Theory]
    [InlineData(5, 2, 4)]
    [InlineData(20, 9, 8)]
    [InlineData(20, 7, 7)]
    public void LevelDispatchNs_TwoReservations_IsWhatTheOtherCanRun(long periodMs, long budgetMs, long expectedMs) =>
        Assert.Equal(expectedMs * Ms, EdfBounds.LevelDispatchNs([Reservation(10, 2), Reservation(periodMs, budgetMs)], 0, Ms, 0));

    [Fact]
    public void WorstDispatchNs_BudgetUsedUp_AddsTheRestOfThePeriod()
    {
        var terms = new long[2];

        Assert.Equal(12 * Ms, EdfBounds.WorstDispatchNs([Reservation(10, 2), Reservation(5, 2)], 0, Ms, 0, terms));
        Assert.Equal([8 * Ms, 4 * Ms], terms);
    }

    // 8 ms and 1, since a turn that took 1 ms too much leaves 1 ms of the next budget, which is used up as much earlier; and
    // 1 ms for the other's turn that ends late where the next budget comes.
    [Fact]
    public void WorstDispatchNs_BudgetUsedUpAndOverruns_AddsTwo() =>
        Assert.Equal(10 * Ms, EdfBounds.WorstDispatchNs([Reservation(10, 2), default], 0, Ms, Ms));

    [Fact]
    public void WorstDispatchNs_MayTakeExtraTime_IsASliceOfTheOther() =>
        Assert.Equal(3 * Ms, EdfBounds.WorstDispatchNs([Reservation(10, 2) with { Extra = true }, default], 0, 3 * Ms, 0));

    [Fact]
    public void LevelDispatchNs_WithoutReservation_IsWhatNobodyReservedGives()
    {
        // w = 4 + (w - 4) 2/5 + 1: 17/3 ms, rounded up at each step.
        Assert.InRange(EdfBounds.LevelDispatchNs([default, Reservation(5, 2), default], 0, Ms, 0), 17 * Ms / 3, (17 * Ms / 3) + 5);
        Assert.Equal(long.MaxValue, EdfBounds.LevelDispatchNs([default, Reservation(5, 5)], 0, Ms, 0));
    }

    [Fact]
    public void DispatchNs_TooMuchReserved_HasNoBound()
    {
        EdfParameters[] queue = [Reservation(10, 6), Reservation(10, 5)];

        Assert.Equal(long.MaxValue, EdfBounds.LevelDispatchNs(queue, 0, Ms, 0));
        Assert.Equal(long.MaxValue, EdfBounds.WorstDispatchNs(queue, 0, Ms, 0));
    }

    private static EdfParameters Reservation(long periodMs, long budgetMs) =>
        new() { PeriodNs = periodMs * Ms, BudgetNs = budgetMs * Ms };
}
