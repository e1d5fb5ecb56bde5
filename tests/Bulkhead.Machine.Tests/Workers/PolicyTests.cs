using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

public sealed class PolicyTests
{
    private const long Ms = 1_000_000;

    private static readonly TimeFrame s_frame = new(10 * Ms, [new("a", 0, 3 * Ms), new("b", 5 * Ms, 4 * Ms)]);

    [Fact]
    public void Loop_TimePartitions_WakesForEachWindow()
    {
        var worker = new SimulatedWorker(PolicyFactory.Create(Pool(SchedulingPolicy.Arinc653) with { Frame = s_frame }));
        worker.Add("a", new Share { Partition = "a" });
        worker.Add("b", new Share { Partition = "b" });

        worker.Run(22 * Ms);

        Assert.Equal(
            [("a", 0, 3 * Ms), ("b", 5 * Ms, 9 * Ms), ("a", 10 * Ms, 13 * Ms), ("b", 15 * Ms, 19 * Ms), ("a", 20 * Ms, 22 * Ms)], worker.Turns);
    }

    [Fact]
    public void Report_TimePartitions_IsOfEachWindow()
    {
        var policy = new Arinc653Policy(s_frame, Ms);
        policy.Wake(policy.Add(new Share { Partition = "a" }));
        _ = policy.Pick(0);
        policy.Charge((3 * Ms) + 5, (3 * Ms) + 5);

        Assert.Equal(
            [new WindowReport(7, s_frame.Windows[0], 3 * Ms, 1, 5, 5), new WindowReport(7, s_frame.Windows[1], 0, 0, 0, 0)], policy.Report(7));
    }

    [Fact]
    public void Loop_PartitionWithoutWindow_NeverRuns()
    {
        var worker = new SimulatedWorker(PolicyFactory.Create(Pool(SchedulingPolicy.Arinc653) with { Frame = s_frame }));
        worker.Add("a", new Share { Partition = "a" });
        worker.Add("c", new Share { Partition = "c" });

        worker.Run(20 * Ms);

        Assert.Equal([("a", 0, 3 * Ms), ("a", 10 * Ms, 13 * Ms)], worker.Turns);
    }

    [Fact]
    public void Loop_ReservationUsedUp_WakesForTheNextBudget()
    {
        var worker = new SimulatedWorker(PolicyFactory.Create(Pool(SchedulingPolicy.Edf)));
        worker.Add("a", Reserved(10, 2));
        worker.Add("b", Reserved(20, 5));

        worker.Run(31 * Ms);

        Assert.Equal(
            [("a", 0, 2 * Ms), ("b", 2 * Ms, 7 * Ms), ("a", 10 * Ms, 12 * Ms), ("a", 20 * Ms, 22 * Ms), ("b", 22 * Ms, 27 * Ms), ("a", 30 * Ms, 31 * Ms)],
            worker.Turns);
    }

    [Fact]
    public void Loop_FixedPriority_RunsTheMostUrgentOnly()
    {
        var worker = new SimulatedWorker(PolicyFactory.Create(Pool(SchedulingPolicy.FixedPriority)));
        worker.Add("a", new Share { Priority = 1 });
        worker.Add("b", new Share { Priority = 9 });
        worker.Add("c", new Share { Priority = 9 });

        worker.Run(3 * Ms);

        Assert.Equal([("b", 0, Ms), ("c", Ms, 2 * Ms), ("b", 2 * Ms, 3 * Ms)], worker.Turns);
    }

    [Fact]
    public void Loop_Null_RunsWithoutEnd()
    {
        var worker = new SimulatedWorker(PolicyFactory.Create(Pool(SchedulingPolicy.Null)));
        worker.Add("a", new Share());

        worker.Run(50 * Ms);

        Assert.Equal([("a", 0, 50 * Ms)], worker.Turns);
        Assert.Throws<InvalidOperationException>(() => worker.Add("b", new Share()));
    }

    [Fact]
    public void ChangePolicy_BetweenTurns_TakesThoseWhoWantToRunAlong()
    {
        var worker = new SimulatedWorker(PolicyFactory.Create(Pool(SchedulingPolicy.Bvt)));
        worker.Add("a", new Share());
        worker.Add("b", new Share());
        bool changed = false;
        worker.BetweenTurns = pcpu =>
        {
            if (worker.NowNs >= 4 * Ms && !changed)
            {
                changed = true;
                worker.Change("a", new Share { Priority = 1 });
                worker.Change("b", new Share { Priority = 2 });
                pcpu.ChangePolicy(PolicyFactory.Create(Pool(SchedulingPolicy.FixedPriority)));
            }
        };

        worker.Run(10 * Ms);

        Assert.Equal(["a", "b", "a"], worker.Turns.Take(3).Select(t => t.Domain));
        Assert.All(worker.Turns, turn => Assert.True(turn.FromNs < 5 * Ms || turn.Domain == "b", $"{turn}"));
        Assert.Equal(("b", 10 * Ms), (worker.Turns[^1].Domain, worker.Turns[^1].ToNs));
    }

    [Fact]
    public void Remove_AnyPolicy_LetsItGo()
    {
        foreach (SchedulingPolicy policy in Enum.GetValues<SchedulingPolicy>())
        {
            IPolicy made = PolicyFactory.Create(Pool(policy) with { Frame = s_frame });
            var share = new Share { Partition = "a" };
            int entry = made.Add(share);
            made.Wake(entry);
            Assert.Equal(entry, made.Pick(0).Entry);
            made.Charge(1, 1);
            made.Change(entry, share);
            Assert.Equal(entry, made.Pick(1).Entry);
            made.Block(entry, voluntary: true);
            Assert.Equal((-1, long.MaxValue), made.Pick(1));
            made.Remove(entry);
            Assert.Equal(entry, made.Add(share));
        }
    }

    private static PoolRequest Pool(SchedulingPolicy policy) => new() { Policy = policy };

    private static Share Reserved(long periodMs, long budgetMs) =>
        new() { Reservation = new CpuReservation(periodMs * Ms, budgetMs * Ms, Extra: false) };
}
