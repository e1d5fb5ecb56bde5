using Bulkhead.Core.Tests;
using Bulkhead.Scheduling.FixedPriority;
using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests.FixedPriority;

public sealed class FixedPriorityQueueTests
{
    private const long Ms = 1_000_000;

    // Rate monotonic sets of the literature with their response times: two of Burns and Wellings (the
    // first uses all of the pCPU), and one whose lowest misses its deadline (45 > 35).
    [Theory]
    [InlineData("20 5 5; 40 10 15; 80 40 80")]
    [InlineData("7 3 3; 12 3 6; 20 5 20")]
    [InlineData("10 4 4; 15 5 9; 35 10 45")]
    public void ResponseNs_TextbookSets_AreTheTextbooks(string text)
    {
        long[][] tasks = Tasks(text);
        FixedPriorityParameters[] queue = Parameters(tasks);

        Assert.Equal(tasks.Select(t => t[2] * Ms), tasks.Select((_, i) => FixedPriorityBounds.ResponseNs(queue, i)));
    }

    // And they are what happens when all wake at once.
    [Theory]
    [InlineData("20 5 5; 40 10 15; 80 40 80")]
    [InlineData("7 3 3; 12 3 6; 20 5 20")]
    public void Pick_AllWakeAtOnce_EndAtTheirResponseTimes(string text)
    {
        long[][] tasks = Tasks(text);
        var queue = new FixedPriorityQueue(Ms);
        var simulation = new Simulation(SimulatedQueue.Of(queue));
        var first = new long[tasks.Length];
        for (int i = 0; i < tasks.Length; i++)
        {
            int task = i;
            int done = 0;
            simulation.Add(queue.Add(10 - i), 0, () => tasks[task][1] * Ms, () =>
            {
                first[task] = done == 0 ? simulation.NowNs : first[task];
                return (++done * tasks[task][0] * Ms) - simulation.NowNs;
            });
        }

        simulation.Run(79 * Ms + 999_999);
        simulation.Run(80 * Ms);

        Assert.Equal(tasks.Select(t => t[2] * Ms), first);
    }

    [Fact]
    public void Pick_OnePriority_TakesTurnsInTheOrderTheyCame()
    {
        var queue = new FixedPriorityQueue(Ms);
        int a = Runnable(queue, 5);
        int b = Runnable(queue, 5);
        Runnable(queue, 4);

        Assert.Equal(new QueuePick(a, Ms), queue.Pick());
        queue.Charge(Ms / 4);
        int urgent = Runnable(queue, FixedPriorityQueue.MaxPriority);
        Assert.Equal(new QueuePick(urgent, long.MaxValue), queue.Pick());
        queue.Charge(9 * Ms);
        queue.Block(urgent);
        Assert.Equal(new QueuePick(a, 3 * Ms / 4), queue.Pick());
        queue.Charge(3 * Ms / 4);
        Assert.Equal(new QueuePick(b, Ms), queue.Pick());
        queue.Block(b);
        queue.Wake(b);
        Assert.Equal(a, queue.Pick().Slot);
    }

    [Fact]
    public void Change_Priority_HoldsAtTheNextPick()
    {
        var queue = new FixedPriorityQueue(Ms);
        int a = Runnable(queue, 5);
        int b = Runnable(queue, 4);
        Assert.Equal(a, queue.Pick().Slot);
        queue.Change(b, 6);

        Assert.Equal(new QueuePick(b, long.MaxValue), queue.Pick());
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Change(b, 256));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Add(-1));
    }

    [Fact]
    public void Remove_RunningOne_FreesItsSlot()
    {
        var queue = new FixedPriorityQueue(Ms);
        int slot = Runnable(queue, 5);
        queue.Pick();
        queue.Remove(slot);

        Assert.Equal(new QueuePick(-1, long.MaxValue), queue.Pick());
        Assert.Throws<InvalidOperationException>(() => queue.Charge(1));
        Assert.Equal(slot, queue.Add(0));
    }

    [Fact]
    public void Pick_AnySchedule_NobodyRunsWhileAHigherOneWantsTo() =>
        RandomPriorities.Any.Sample(
            set => set.Run((simulation, queue, slots) => simulation.Picked = pick =>
            {
                int highest = slots.Where(queue.IsRunnable).Select(queue.Priority).DefaultIfEmpty(-1).Max();
                Assert.Equal(highest, pick.Found ? queue.Priority(pick.Slot) : -1);
            }),
            iter: RandomSchedule.Count,
            threads: 1);

    [Fact]
    public void Worst_AnySchedule_HoldsForEveryWake() =>
        RandomPriorities.Any.Sample(
            set => set.Run((simulation, _, slots) =>
            {
                var woken = new long[slots.Length];
                long[] worst = [.. slots.Select(i => FixedPriorityBounds.Worst(set.All, i, set.SliceNs, set.OverrunNs).Ns)];
                Array.Fill(woken, -1);
                simulation.Woken = slot => woken[slot] = simulation.NowNs;
                simulation.Dispatched = slot =>
                {
                    Assert.True(
                        woken[slot] < 0 || simulation.NowNs - woken[slot] <= worst[slot],
                        $"vCPU {slot} waited {simulation.NowNs - woken[slot]} > {worst[slot]}");
                    woken[slot] = -1;
                };
            }),
            iter: RandomSchedule.Count,
            threads: 1);

    [Fact]
    public void Worst_Highest_IsAtOnceAndLowerOnesNeedPromises()
    {
        FixedPriorityParameters[] queue = [new(9), new(5, 10 * Ms, 2 * Ms), new(5), new(1)];

        Assert.Equal(0, DispatchNs(queue, 0, Ms, 0));
        Assert.Equal(long.MaxValue, DispatchNs(queue, 1, Ms, 0));
        queue[0] = new(9, 20 * Ms, 3 * Ms);
        Assert.Equal(4 * Ms, DispatchNs(queue, 1, Ms, 0));
        Assert.Equal(long.MaxValue, DispatchNs(queue, 3, Ms, 0));
        queue[2] = new(5, 40 * Ms, Ms);
        Assert.Equal(6 * Ms, DispatchNs(queue, 3, Ms, 0));
        queue[1] = new(5, 4 * Ms, 4 * Ms);
        Assert.Equal(long.MaxValue, DispatchNs(queue, 3, Ms, 0));
    }

    [Fact]
    public void Pick_AfterAdd_AllocatesNothing()
    {
        var queue = new FixedPriorityQueue(Ms);
        int a = Runnable(queue, 5);
        Runnable(queue, 5);

        Assert.Equal(0, Allocations.LeastBytes(() => Turns(10_000)));

        void Turns(int count)
        {
            for (int i = 0; i < count; i++)
            {
                queue.Charge(Math.Min(queue.Pick().BudgetNs, 7));
                queue.Block(a);
                queue.Wake(a);
            }
        }
    }

    private static long[][] Tasks(string text) => [.. text.Split("; ").Select(t => t.Split(' ').Select(long.Parse).ToArray())];

    private static long DispatchNs(FixedPriorityParameters[] queue, int vcpu, long sliceNs, long overrunNs) =>
        FixedPriorityBounds.Worst([.. queue.Select(static p => new FixedPriorityVcpu(p))], vcpu, sliceNs, overrunNs).Ns;

    private static FixedPriorityParameters[] Parameters(long[][] tasks) =>
        [.. tasks.Select((t, i) => new FixedPriorityParameters(10 - i, t[0] * Ms, t[1] * Ms))];

    private static int Runnable(FixedPriorityQueue queue, int priority)
    {
        int slot = queue.Add(priority);
        queue.Wake(slot);
        return slot;
    }
}
