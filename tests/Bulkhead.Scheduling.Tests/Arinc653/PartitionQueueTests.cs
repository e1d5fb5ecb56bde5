using Bulkhead.Core.Tests;
using Bulkhead.Scheduling.Arinc653;
using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests.Arinc653;

public sealed class PartitionQueueTests
{
    private const long Ms = 1_000_000;

    // Two partitions: 0 has [0, 5), 1 has [8, 15), and again 0 has [15, 18); [5, 8) and [18, 20) are gaps.
    private static readonly MajorFrame s_frame = new(20 * Ms, new(0, 0, 5 * Ms), new(1, 8 * Ms, 7 * Ms), new(0, 15 * Ms, 3 * Ms));

    [Fact]
    public void Pick_TwoPartitions_RunsTheExactTurns()
    {
        var queue = new PartitionQueue(s_frame, Ms);
        var simulation = new Simulation(SimulatedQueue.Of(queue));
        int a = simulation.AddHungry(queue.Add(0));
        int b = simulation.AddHungry(queue.Add(1));

        simulation.Run(45 * Ms);

        Assert.Equal(
            [
                (a, 0, 5 * Ms), (b, 8 * Ms, 15 * Ms), (a, 15 * Ms, 18 * Ms), (a, 20 * Ms, 25 * Ms), (b, 28 * Ms, 35 * Ms), (a, 35 * Ms, 38 * Ms),
                (a, 40 * Ms, 45 * Ms),
            ],
            simulation.Turns);
    }

    [Theory]
    [InlineData(1, 3, 0)]
    [InlineData(5, 15, 10)]
    [InlineData(4, 16, 10)]
    [InlineData(16, 41, 14)]
    [InlineData(0, 200, 120)]
    public void OutsideNs_IsWhatNoWindowOfItsPartitionCovers(long fromMs, long toMs, long outsideMs)
    {
        var queue = new PartitionQueue(s_frame, Ms);
        int a = Runnable(queue, 0);
        Assert.Equal(0, queue.OutsideNs(a, 0, 20 * Ms)); // Nothing has begun.
        _ = queue.Pick(1000 * Ms);

        Assert.Equal(outsideMs * Ms, queue.OutsideNs(a, (1000 + fromMs) * Ms, (1000 + toMs) * Ms));
    }

    [Fact]
    public void Pick_PartitionAsleep_GivesItsWindowToNobody()
    {
        var queue = new PartitionQueue(s_frame, Ms);
        int a = Runnable(queue, 0);
        queue.Add(1);

        Assert.Equal(new QueuePick(a, 5 * Ms), queue.Pick(1000));
        Assert.Equal(1000, queue.StartNs);
        Assert.Equal(new QueuePick(-1, 7 * Ms), queue.Pick(1000 + (8 * Ms)));
        Assert.Equal(new QueuePick(-1, 2 * Ms), queue.Pick(1000 + (18 * Ms)));
        queue.Block(a);
        Assert.Equal(new QueuePick(-1, long.MaxValue), queue.Pick(1000 + (18 * Ms)));
    }

    [Fact]
    public void Pick_SeveralOfAPartition_TakeTurnsAcrossWindows()
    {
        var queue = new PartitionQueue(s_frame, 2 * Ms);
        var simulation = new Simulation(SimulatedQueue.Of(queue));
        int a = simulation.AddHungry(queue.Add(0));
        int b = simulation.AddHungry(queue.Add(0));

        simulation.Run(20 * Ms);

        Assert.Equal(
            [(a, 0, 2 * Ms), (b, 2 * Ms, 4 * Ms), (a, 4 * Ms, 5 * Ms), (a, 15 * Ms, 16 * Ms), (b, 16 * Ms, 18 * Ms)], simulation.Turns);
    }

    [Fact]
    public void Charge_PastTheWindow_IsLogged()
    {
        var queue = new PartitionQueue(s_frame, Ms);
        int a = Runnable(queue, 0);
        int b = Runnable(queue, 1);
        queue.Pick(0);
        queue.Charge((5 * Ms) + 7, (5 * Ms) + 7);
        queue.Pick(8 * Ms);
        queue.Charge((7 * Ms) + 30, (15 * Ms) + 30);
        Assert.Equal(a, queue.Pick((15 * Ms) + 30).Slot);
        queue.Charge(Ms, (16 * Ms) + 30);
        queue.Pick(20 * Ms);
        queue.Charge((8 * Ms) + 2, (28 * Ms) + 2);

        Assert.Equal(new WindowLog(10 * Ms, 2, (3 * Ms) + 9, (3 * Ms) + 2), queue.Log(0));
        Assert.Equal(new WindowLog(7 * Ms, 1, 30, 30), queue.Log(1));
        Assert.Equal(new WindowLog(Ms, 0, 0, 0), queue.Log(2));
        Assert.Equal((3 * Ms) + 7, queue.GapRanNs);
        Assert.Equal((7 * Ms) + 30, queue.RanNs(b));
    }

    [Fact]
    public void Charge_IntoTheNextOwnWindow_IsNoOverrun()
    {
        var queue = new PartitionQueue(new MajorFrame(10, new(0, 0, 5), new(0, 5, 5)), 100);
        Runnable(queue, 0);
        Assert.Equal(5, queue.Pick(0).BudgetNs);
        queue.Charge(6, 6);
        Assert.Equal(4, queue.Pick(6).BudgetNs);
        queue.Charge(8, 14);

        Assert.Equal((0, 0), (queue.Log(0).Overruns, queue.Log(1).Overruns));
    }

    [Fact]
    public void Charge_HostTookTheCpuForManyFrames_CountsTheGapsInBetween()
    {
        var queue = new PartitionQueue(s_frame, Ms);
        Runnable(queue, 0);
        queue.Pick(0);
        queue.Charge(2_000_006 * Ms, 2_000_006 * Ms);

        Assert.Equal((100_000 * 5 * Ms) + Ms, queue.GapRanNs);
    }

    [Fact]
    public void Pick_AnySchedule_NobodyRunsOutsideItsWindows() =>
        RandomPartitions.Any.Sample(
            set => set.Run((simulation, queue, _) => simulation.Ran = (slot, from, ran, over) =>
            {
                long phase = (from - queue.StartNs) % set.Frame.LengthNs;
                int window = set.Frame.WindowAt(phase);
                Assert.True(window >= 0 && set.Frame.Windows[window].Partition == set.Partitions[slot], $"starts at {phase}");
                Assert.True(phase + ran - over <= set.Frame.Windows[window].EndNs, $"[{phase}, {phase + ran}) with {over} over");
            }),
            iter: RandomSchedule.Count,
            threads: 1);

    [Fact]
    public void WorstDispatchNs_AnySchedule_HoldsForEveryWake() =>
        RandomPartitions.Any.Sample(
            set => set.Run((simulation, _, slots) =>
            {
                var woken = new long[slots.Length];
                long[] worst = [.. slots.Select(set.Worst)];
                Array.Fill(woken, -1);
                simulation.Woken = slot => woken[slot] = simulation.NowNs;
                simulation.Dispatched = slot =>
                {
                    Assert.True(
                        woken[slot] < 0 || simulation.NowNs - woken[slot] <= worst[slot],
                        $"vCPU {slot} waited {simulation.NowNs - woken[slot]} > {worst[slot]}");
                    woken[slot] = -1;
                };
                simulation.Picked = _ => Assert.All(
                    slots, slot => Assert.True(woken[slot] < 0 || simulation.NowNs - woken[slot] - set.OverrunNs <= worst[slot], "starves"));
            }),
            iter: RandomSchedule.Count,
            threads: 1);

    // That the bound is not too large either: some wake-up waits just so long.
    [Fact]
    public void WorstDispatchNs_NoPeers_Occurs() =>
        RandomPartitions.Any.Where(static s => s.Frame.LengthNs < 200).Sample(
            set =>
            {
                int partition = set.Frame.Windows[0].Partition;
                long longest = 0;
                for (long wake = 0; wake < set.Frame.LengthNs; wake++)
                {
                    var queue = new PartitionQueue(set.Frame, 1);
                    int slot = queue.Add(partition);
                    queue.Pick(0);
                    queue.Wake(slot);
                    QueuePick pick = queue.Pick(wake);
                    longest = Math.Max(longest, pick.Found ? 0 : pick.BudgetNs);
                }

                Assert.Equal(longest, PartitionBounds.WorstDispatchNs(set.Frame, partition, 0, 1, 0));
            },
            iter: RandomSchedule.Count / 10,
            threads: 1);

    // The longest way for 0 is from 5 to 15; for 1 from 15 to 28; with a peer of 2 ms from 18 (5 ms from 20 on) and from 5.
    [Theory]
    [InlineData(0, 0, 0, 10)]
    [InlineData(1, 0, 0, 13)]
    [InlineData(0, 1, 2, 12)]
    [InlineData(0, 1, 3, 15)]
    [InlineData(0, 2, 4, 30)]
    [InlineData(2, 0, 0, -1)]
    public void WorstDispatchNs_TwoPartitions_IsExact(int partition, int peers, long sliceMs, long expectedMs) =>
        Assert.Equal(
            expectedMs < 0 ? long.MaxValue : expectedMs * Ms,
            PartitionBounds.WorstDispatchNs(s_frame, partition, peers, sliceMs * Ms, 0));

    [Fact]
    public void WorstDispatchNs_WindowsShorterThanOverruns_IsNever() =>
        Assert.Equal(long.MaxValue, PartitionBounds.WorstDispatchNs(s_frame, 1, 0, Ms, 10 * Ms));

    [Fact]
    public void MajorFrame_WindowsThatDoNotFit_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new MajorFrame(10));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MajorFrame(10, new(0, 0, 6), new(1, 5, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MajorFrame(10, new PartitionWindow(0, 5, 6)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MajorFrame(10, new PartitionWindow(0, 5, 0)));
    }

    [Fact]
    public void Remove_RunningOne_FreesItsSlot()
    {
        var queue = new PartitionQueue(s_frame, Ms);
        int slot = Runnable(queue, 0);
        queue.Pick(0);
        queue.Remove(slot);

        Assert.False(queue.Pick(0).Found);
        Assert.Throws<InvalidOperationException>(() => queue.Charge(1, 1));
        Assert.Equal(slot, queue.Add(1));
        queue.Change(slot, 0);
        queue.Wake(slot);
        Assert.True(queue.Pick(0).Found);
    }

    [Fact]
    public void Pick_AfterAdd_AllocatesNothing()
    {
        var queue = new PartitionQueue(s_frame, Ms);
        int a = Runnable(queue, 0);
        Runnable(queue, 0);
        Runnable(queue, 1);

        Assert.Equal(0, Allocations.LeastBytes(() => Turns(10_000)));

        void Turns(int count)
        {
            long now = queue.StartNs < 0 ? 0 : 20 * Ms;
            for (int i = 0; i < count; i++)
            {
                QueuePick pick = queue.Pick(now);
                now += pick.BudgetNs;
                if (pick.Found)
                {
                    queue.Charge(pick.BudgetNs, now);
                    queue.Block(a);
                    queue.Wake(a);
                }
            }
        }
    }

    private static int Runnable(PartitionQueue queue, int partition)
    {
        int slot = queue.Add(partition);
        queue.Wake(slot);
        return slot;
    }
}
