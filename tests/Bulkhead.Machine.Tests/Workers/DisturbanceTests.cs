using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>What others can do to a turn, and what not.</summary>
public sealed class DisturbanceTests
{
    private const long Ms = 1_000_000;
    private const long GuardNs = 50_000;

    [Fact]
    public void Timer_OfOneThatWantsToRun_EndsNobodysTurn()
    {
        var worker = new ScriptedWorker(new BvtPolicy(Ms));
        long until = 0;
        ScriptedWorker.ScriptedVcpu? storm = null;
        _ = worker.Add("victim", new Share(), (_, untilNs) =>
        {
            if (storm!.Turns > 0)
            {
                until = untilNs - worker.NowNs;
                worker.End();
            }

            worker.NowNs = untilNs;
            return StopReason.Budget;
        });
        storm = worker.Add("storm", new Share(), (vcpu, untilNs) =>
        {
            worker.NowNs = untilNs;
            vcpu.Slot.Timers.Arm(vcpu, worker.NowNs + 10_000);
            return StopReason.Budget;
        });
        worker.Run();
        Assert.True(until >= Ms, $"{until} ns");
    }

    [Fact]
    public void Timer_OfOneThatSleeps_EndsTheTurn()
    {
        var worker = new ScriptedWorker(new BvtPolicy(Ms));
        long until = 0;
        ScriptedWorker.ScriptedVcpu? sleeper = null;
        _ = worker.Add("victim", new Share(), (_, untilNs) =>
        {
            if (sleeper!.Turns == 2)
            {
                worker.End();
            }
            else if (sleeper.Turns == 1)
            {
                until = untilNs - worker.NowNs;
            }

            worker.NowNs = Math.Min(untilNs, worker.NowNs + Ms);
            return StopReason.Budget;
        });
        sleeper = worker.Add("sleeper", new Share(), (vcpu, _) =>
        {
            vcpu.Slot.Timers.Arm(vcpu, worker.NowNs + 200_000);
            return StopReason.Halt;
        });
        worker.Run();
        Assert.Equal(200_000, until);
    }

    [Theory]
    [InlineData(SchedulingPolicy.Arinc653)]
    [InlineData(SchedulingPolicy.FixedPriority)]
    public void Timer_OfOneThatSleepsAndCouldNotRun_EndsNobodysTurn(SchedulingPolicy policy)
    {
        bool windows = policy == SchedulingPolicy.Arinc653;
        var worker = new ScriptedWorker(
            windows ? new Arinc653Policy(new TimeFrame(20 * Ms, [new TimeWindow("sleeper", 0, 10 * Ms), new TimeWindow("victim", 10 * Ms, 10 * Ms)]), Ms) : new FixedPriorityPolicy(Ms));
        var turns = new List<long>();
        ScriptedWorker.ScriptedVcpu sleeper = worker.Add("sleeper", new Share { Partition = "sleeper" }, static (_, _) => StopReason.Halt);
        _ = worker.Add("victim", new Share { Partition = "victim", Priority = 1 }, (vcpu, untilNs) =>
        {
            turns.Add(untilNs == long.MaxValue ? untilNs : untilNs - worker.NowNs);
            if (turns.Count == 4)
            {
                worker.End();
            }

            worker.NowNs = Math.Min(untilNs, worker.NowNs + (10 * Ms));
            vcpu.Slot.Timers.Arm(vcpu, worker.NowNs + Ms);
            return windows ? StopReason.Budget : StopReason.Halt;
        });
        worker.BetweenTurns = () =>
        {
            if (!sleeper.Slot.Runnable)
            {
                sleeper.Slot.Timers.Arm(sleeper, worker.NowNs + 10_000);
            }
        };
        worker.Run();
        Assert.Equal(4, turns.Count);
        Assert.All(turns, static ns => Assert.True(ns >= Ms, $"{ns} ns"));
    }

    [Fact]
    public void WakeUps_OfOneThatWantsToRun_EndNobodysTurn()
    {
        var worker = new ScriptedWorker(new BvtPolicy(Ms));
        ScriptedWorker.ScriptedVcpu? waits = null;
        ScriptedWorker.ScriptedVcpu victim = worker.Add("victim", new Share(), (_, untilNs) =>
        {
            waits!.Slot.Nmi();
            waits.Slot.StartUp(7);
            waits.Slot.Kick();
            if (waits.Turns > 0)
            {
                worker.End();
            }

            worker.NowNs = untilNs;
            return StopReason.Budget;
        });
        waits = worker.Add("waits", new Share(), (_, untilNs) =>
        {
            worker.NowNs = untilNs;
            return StopReason.Budget;
        });
        worker.Run();
        Assert.Equal(1, victim.Asked); // by the end of all
    }

    [Fact]
    public void Turns_ThatOthersCutAgainAndAgain_LastAWhileInBetween()
    {
        var worker = new ScriptedWorker(new BvtPolicy(Ms));
        ScriptedWorker.ScriptedVcpu? storm = null;
        var lasted = new List<long>();
        ScriptedWorker.ScriptedVcpu victim = worker.Add("victim", new Share(), (vcpu, untilNs) =>
        {
            if (storm!.Turns == 0)
            {
                worker.NowNs = untilNs;
                return StopReason.Budget;
            }

            int asked = vcpu.Asked;
            long from = worker.NowNs;
            storm.Slot.Kick();
            bool ends = vcpu.Asked != asked;
            worker.NowNs = ends ? worker.NowNs + 1000 : untilNs;
            lasted.Add(worker.NowNs - from);
            if (lasted.Count == 300)
            {
                worker.End();
            }

            return ends ? StopReason.Kicked : StopReason.Budget;
        });
        storm = worker.Add("storm", new Share(), (_, _) =>
        {
            worker.NowNs += 1000;
            return StopReason.Halt;
        });
        worker.Run();
        Assert.InRange(lasted.Count(static ns => ns >= GuardNs), 90, 110); // each third
        Assert.All(lasted, static ns => Assert.True(ns <= GuardNs));
    }
}
