using Bulkhead.Core.Time;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine.Workers;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>What is kept of a vCPU's waits.</summary>
public sealed class WaitTests
{
    private const long Ms = 1_000_000;

    [Fact]
    public void TimePartitions_AWaitForTheNextWindow_IsClosedTime()
    {
        var worker = new ScriptedWorker(new Arinc653Policy(new TimeFrame(30 * Ms, [new("sleeper", 0, 10 * Ms), new("busy", 10 * Ms, 10 * Ms)]), Ms));
        ScriptedWorker.ScriptedVcpu sleeper = Sleeper(worker, "sleeper", wakesNs: 14 * Ms, turns: 2);
        _ = worker.Add("busy", new Share { Partition = "busy" }, (_, untilNs) =>
        {
            worker.NowNs = untilNs;
            return StopReason.Budget;
        });
        worker.Run();

        WaitRecord wait = Assert.Single(sleeper.Slot.Waits.Worst(0), static w => w.WokenNs > 14 * Ms);
        Assert.Equal((16 * Ms, 16 * Ms), (wait.WaitedNs, wait.ClosedNs));
        Assert.Equal([new WaitPart("busy", 0, 0, 0, 0, 0, null, 6 * Ms)], wait.Parts);
    }

    [Fact]
    public void RulesThatChangeMeanwhile_TheWaitIsKept_AndNotMeasured()
    {
        var worker = new ScriptedWorker(new BvtPolicy(Ms));
        ScriptedWorker.ScriptedVcpu sleeper = Sleeper(worker, string.Empty, wakesNs: Ms, turns: 4);
        var first = new SomeEra();
        first.Begin(0);
        var second = new SomeEra();
        sleeper.Slot.Era = first;
        long[] measured = new long[5];
        worker.BetweenTurns = () =>
        {
            worker.NowNs += 5000; // Its timer is noticed a little late.
            measured[sleeper.Turns] = Measured(sleeper);
            if (sleeper.Turns == 2)
            {
                sleeper.Slot.Era = second; // asleep; it wakes in the new one, which has not begun
            }
            else if (sleeper.Turns == 3 && second.SinceNs == long.MaxValue)
            {
                second.Begin(worker.NowNs);
            }
        };
        worker.Run();

        long before = measured[2];
        Assert.Equal((before, before + 1), (measured[3], Measured(sleeper)));
        Assert.Equal([first, second, second], sleeper.Slot.Waits.Worst(0).Where(static w => w.WaitedNs > 0).OrderBy(static w => w.WokenNs).TakeLast(3).Select(static w => w.Era));
    }

    private static long Measured(ScriptedWorker.ScriptedVcpu vcpu)
    {
        long[] counts = new long[LatencyHistogram.Classes];
        vcpu.Slot.DispatchLatency.AddTo(counts);
        return counts.Sum();
    }

    // Its turns are moments.
    private static ScriptedWorker.ScriptedVcpu Sleeper(ScriptedWorker worker, string partition, long wakesNs, int turns) =>
        worker.Add("sleeper", new Share { Partition = partition }, (vcpu, _) =>
        {
            if (vcpu.Turns == turns)
            {
                worker.End();
            }

            vcpu.Slot.Timers.Arm(vcpu, worker.NowNs + wakesNs);
            return StopReason.Halt;
        });

    private sealed class SomeEra : ScheduleEra;
}
