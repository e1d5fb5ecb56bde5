using Bulkhead.Core.Time;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Classes;
using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling;
using Xunit;

namespace Bulkhead.Machine.Tests.Hostile;

/// <summary>A domain that always claims to be urgent, or whatever gets it most, has what its classes grant it and no more.</summary>
/// <remarks>In virtual time, so without a tolerance.</remarks>
public sealed class LiarTests
{
    private const long Us = 1_000;
    private const long AllowanceNs = 100 * Us;
    private const long EndNs = 20_000 * Us;
    private const int BystanderWeight = 3;

    private static readonly byte[][] s_claims = [[2], [2, 0], [2, 1], [1, 2, 0]];

    private static ShareClass Urgent => new("urgent") { Hint = 2, WakeNs = 50 * Us, WarpNs = 2_000 * Us, Priority = 220, LimitNs = 40 * Us, RestNs = 160 * Us };

    private static ShareClass Soon => new("soon") { Hint = 1, WarpNs = 1_000 * Us, Priority = 215, LimitNs = 60 * Us, RestNs = 600 * Us };

    public static TheoryData<int, uint, bool> All
    {
        get
        {
            var all = new TheoryData<int, uint, bool>();
            for (int claims = 0; claims < s_claims.Length; claims++)
            {
                foreach (uint work in (uint[])[300, 9_000, 39_000, 170_000])
                {
                    all.Add(claims, work, false);
                    all.Add(claims, work, true);
                }
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Liar_UnderBvt_TheVictimWaitsNoLongerThanComputedAndSharesAreByWeight(int claims, uint work, bool sleeps)
    {
        using ClassMachine machine = Machine(SchedulingPolicy.Bvt, claims, work, sleeps);
        _ = machine.Run();

        IReadOnlyList<VcpuSchedule> bounds = VcpuSchedule.Compute(machine.System, overrunNs: 0);
        AssertKept(machine, bounds);

        // By loan alone it would be 1.9 ms more.
        Assert.True(bounds[0].LevelDispatchNs < 400 * Us, $"{bounds[0].LevelDispatchNs}");
        double level = machine.Runner.Domains[2].Slots[0].RanNs / (double)BystanderWeight;
        for (int i = 0; i < 2; i++)
        {
            VcpuSlot slot = machine.Runner.Domains[i].Slots[0];
            long lag = BvtBounds.LagNs(machine.System.Domains[i].Share.BvtVcpu, AllowanceNs, overrunNs: 0);
            Assert.True(slot.RanNs <= level + lag, $"{slot.Domain.Name} ran {slot.RanNs} ns by its weight, the bystander {level}, the lag is {lag}");
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Liar_UnderFixedPriorities_TheVictimWaitsNoLongerThanComputedAndTheLiarHasItsBudgets(int claims, uint work, bool sleeps)
    {
        using ClassMachine machine = Machine(SchedulingPolicy.FixedPriority, claims, work, sleeps);
        _ = machine.Run();

        IReadOnlyList<VcpuSchedule> bounds = VcpuSchedule.Compute(machine.System, overrunNs: 0);
        AssertKept(machine, bounds);
        Assert.Equal("whatever anybody does", bounds[0].WorstHolds);
        Assert.True(bounds[0].WorstDispatchNs < 400 * Us, $"{bounds[0].WorstDispatchNs}");

        // The bystander always wants to run: below it the liar has its classes, and nothing else.
        long most = Urgent.Rule.Budget.MostNs(EndNs, 0) + Soon.Rule.Budget.MostNs(EndNs, 0);
        long ran = machine.Runner.Domains[1].Slots[0].RanNs;
        Assert.True(ran <= most, $"the liar ran {ran} ns, its classes let it run {most}");

        // Who says nothing any more does not run again.
        Assert.True(ran >= 500 * Us || s_claims[claims].Contains((byte)0), $"the liar ran {ran} ns only: its classes had no effect");
        double share = machine.Runner.Domains[2].Slots[0].RanNs / (double)EndNs;
        double victim = machine.Runner.Domains[0].Slots[0].RanNs / (double)EndNs;
        Assert.True(share + victim >= bounds[2].Share - 0.01, $"the bystander and the victim got {share + victim}, the bystander alone was assured {bounds[2].Share}");
    }

    // A victim that answers its timer; the liar; and one that computes.
    private static ClassMachine Machine(SchedulingPolicy policy, int claims, uint work, bool sleeps)
    {
        var machine = new ClassMachine(policy, AllowanceNs, EndNs);
        bool isBvt = policy == SchedulingPolicy.Bvt;
        machine.Add(Victim.Answer, new DomainConfig { Name = "", Pool = ClassMachine.Pool, Priority = 210 });
        machine.Add(c => ClassCode.Lie(c, s_claims[claims], work, sleeps), new DomainConfig { Name = "", Pool = ClassMachine.Pool, Classes = [Urgent, Soon] });
        machine.Add(Victim.Compute, new DomainConfig { Name = "", Pool = ClassMachine.Pool, Weight = isBvt ? BystanderWeight : 1, Priority = 5 });
        return machine;
    }

    private static void AssertKept(ClassMachine machine, IReadOnlyList<VcpuSchedule> bounds)
    {
        var counts = new long[LatencyHistogram.Classes];
        machine.Runner.Domains[0].Slots[0].DispatchLatency.AddTo(counts);
        Assert.InRange(counts.Sum(), (EndNs / Victim.PeriodNs) - 3, EndNs / Victim.PeriodNs);
        long longest = machine.Runner.Waits(machine.Runner.Domains[0]) is { Count: > 0 } waits ? waits.Max(static w => w.WaitedNs) : 0;
        Assert.True(longest <= bounds[0].LevelDispatchNs, $"waited {longest} ns, at most {bounds[0].LevelDispatchNs} was computed");
    }
}
