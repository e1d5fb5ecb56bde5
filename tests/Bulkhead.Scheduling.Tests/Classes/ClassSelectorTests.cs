using Bulkhead.Core.Tests;
using Bulkhead.Scheduling.Classes;
using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests.Classes;

public sealed class ClassSelectorTests
{
    private const long Us = 1_000;

    [Fact]
    public void Select_FirstOfTheList_IsTheOne()
    {
        var classes = new ClassSelector([new ClassRule(2, 0, 0, default), new ClassRule(1, 8, 0, default)]);

        Assert.False(classes.Select(0));
        classes.TaskPriority = 7;
        Assert.Equal(0, classes.Selected(0));
        classes.TaskPriority = 8;
        Assert.Equal(2, classes.Selected(0));
        classes.Say(2);
        Assert.True(classes.Select(0));
        Assert.Equal(1, classes.Current);
        classes.Say(1);
        Assert.Equal(2, classes.Selected(0));
        classes.Say(9);
        classes.TaskPriority = 0;
        Assert.Equal(0, classes.Selected(0));
    }

    [Fact]
    public void Wake_Class_LastsForItsTimeOrUntilTheGuestSpeaksOrHalts()
    {
        var classes = new ClassSelector([new ClassRule(1, 0, 500 * Us, default)]);
        Assert.Equal(0, classes.Selected(0));
        classes.Wake();
        Assert.True(classes.Select(0));
        Assert.Equal(long.MaxValue, classes.NextChangeNs(0, runs: false));
        Assert.Equal(500 * Us, classes.NextChangeNs(0, runs: true));
        classes.Charge(200 * Us, 200 * Us);
        Assert.Equal(700 * Us, classes.NextChangeNs(400 * Us, runs: true));
        classes.Charge(300 * Us, 700 * Us);
        Assert.Equal(0, classes.Selected(700 * Us));

        classes.Wake();
        Assert.Equal(1, classes.Selected(800 * Us));
        classes.Say(0);
        Assert.Equal(0, classes.Selected(800 * Us));
        classes.Wake();
        classes.Halt();
        Assert.Equal(0, classes.Selected(900 * Us));
    }

    [Fact]
    public void Doorbell_Class_LastsUntilTheGuestSpeaksOrHalts()
    {
        var classes = new ClassSelector([new ClassRule(1, 0, 0, default, Doorbell: 3)]);
        Assert.False(classes.Ring(1ul << 2)); // nobody listens
        Assert.Equal(0, classes.Selected(0));

        Assert.True(classes.Ring(1ul << 3));
        Assert.False(classes.Ring(1ul << 3)); // a storm ends one turn
        Assert.Equal(1, classes.Selected(0));
        Assert.Equal(1ul << 3, classes.Halt());
        Assert.Equal(0, classes.Selected(0));

        Assert.True(classes.Ring(1ul << 3));
        _ = classes.Say(2);
        Assert.Equal(0, classes.Selected(0));
    }

    [Fact]
    public void Halt_Hint_IsForgotten()
    {
        var classes = new ClassSelector([new ClassRule(1, 0, 0, default)]);
        classes.Say(1);
        Assert.Equal(1, classes.Selected(0));
        classes.Halt();
        Assert.Equal(0, classes.Hint);
        classes.Wake();
        Assert.Equal(0, classes.Selected(0));
    }

    [Fact]
    public void Select_BudgetUsedUp_IsTheNextUntilTheRestIsOver()
    {
        var classes = new ClassSelector([new ClassRule(1, 0, 0, new ClassBudget(100 * Us, 400 * Us)), new ClassRule(1, 0, 0, default)]);
        classes.Say(1);
        classes.Select(0);
        Assert.Equal(100 * Us, classes.NextChangeNs(0, runs: true));
        classes.Charge(60 * Us, 60 * Us);
        Assert.False(classes.Select(60 * Us));
        Assert.Equal(140 * Us, classes.NextChangeNs(100 * Us, runs: true));
        classes.Charge(50 * Us, 150 * Us); // beyond the limit: an overrun
        Assert.True(classes.Select(150 * Us));
        Assert.Equal(2, classes.Current);
        Assert.Equal(550 * Us, classes.NextChangeNs(200 * Us, runs: true));
        Assert.Equal(550 * Us, classes.NextChangeNs(200 * Us, runs: false));

        // Neither a sleep nor another word gives it back.
        classes.Halt();
        classes.Wake();
        classes.Say(1);
        Assert.Equal(2, classes.Selected(549 * Us));
        Assert.Equal(1, classes.Selected(550 * Us));
    }

    [Fact]
    public void Charge_WhatWasUsed_IsForgottenAfterARestOnly()
    {
        var classes = new ClassSelector([new ClassRule(1, 0, 0, new ClassBudget(100 * Us, 400 * Us))]);
        classes.Say(1);
        classes.Select(0);
        classes.Charge(90 * Us, 90 * Us);
        Assert.Equal(499 * Us, classes.NextChangeNs(489 * Us, runs: true));
        Assert.Equal(590 * Us, classes.NextChangeNs(490 * Us, runs: true));
        classes.Charge(90 * Us, 580 * Us);
        Assert.Equal(1, classes.Selected(580 * Us));
    }

    // In no time, wherever it begins, does a guest run longer in a class than its budget says.
    [Fact]
    public void MostNs_AnySchedule_HoldsForEveryTime() =>
        RandomSchedule.Any.Sample(
            schedule =>
            {
                var runs = new Dictionary<(int Slot, int Class), List<(long FromNs, long ToNs)>>();
                schedule.Run((simulation, queue, slots) => simulation.Ran = (slot, from, ran, _) =>
                {
                    BvtVcpu vcpu = schedule.Vcpus[Array.IndexOf(slots, slot)];
                    BvtParameters now = queue.Parameters(slot);
                    for (int place = 1; place <= vcpu.Classes.Count; place++)
                    {
                        // Where two classes have one warp, nobody can tell here which it is.
                        if (now == vcpu.In(place) && now != vcpu.Own && vcpu.Classes.Count(c => c.WarpNs == now.WarpNs) == 1)
                        {
                            (runs.TryGetValue((slot, place), out var list) ? list : runs[(slot, place)] = []).Add((from, from + ran));
                        }
                    }
                });
                foreach (((int slot, int place), List<(long FromNs, long ToNs)> list) in runs)
                {
                    ClassBudget budget = schedule.Vcpus[slot].Classes[place - 1].Rule.Budget;
                    for (int first = 0; first < list.Count && budget.IsLimited; first++)
                    {
                        long ran = 0;
                        for (int last = first; last < list.Count; last++)
                        {
                            ran += list[last].ToNs - list[last].FromNs;
                            long most = budget.MostNs(list[last].ToNs - list[first].FromNs, schedule.OverrunNs);
                            Assert.True(ran <= most, $"vCPU {slot} ran {ran} > {most} in class {place}");
                        }
                    }
                }
            },
            iter: RandomSchedule.Count,
            threads: 1);

    [Fact]
    public void Select_AfterCreation_AllocatesNothing()
    {
        var classes = new ClassSelector([new ClassRule(1, 4, 100, new ClassBudget(100, 400)), new ClassRule(2, 0, 0, default)]);

        Assert.Equal(0, Allocations.LeastBytes(() => Turns(10_000)));

        void Turns(int count)
        {
            for (int i = 0; i < count; i++)
            {
                classes.Wake();
                classes.Say((byte)(i % 3));
                classes.TaskPriority = (byte)(i % 16);
                classes.Select(i * 10);
                _ = classes.NextChangeNs(i * 10, runs: true);
                classes.Charge(10, (i * 10) + 10);
                classes.Halt();
            }
        }
    }
}
