using Bulkhead.Core.Time;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Domains;
using Bulkhead.Scheduling;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>What must be true after a fault, whatever it was.</summary>
internal static class FaultChecks
{
    private const string AtTheEnd = "stopped at the virtual time asked for";

    // How long a turn goes on after its end in virtual time.
    private const long OverrunNs = 0;

    internal static ulong VictimHash(FaultMachine machine) => DomainHash.Of(machine.Runner.Domains[0], StateHash.Of([]));

    /// <summary>Everything that is wrong after a run.</summary>
    internal static List<string> Problems(FaultMachine machine, FaultPlan plan, (Life[] Lives, ulong Victim) reference)
    {
        List<string> wrong = [.. machine.Problems];
        AddNeighbours(machine, reference.Victim, wrong);
        if (machine.Lives is not [Life first, Life second])
        {
            wrong.Add($"{machine.Lives.Count} lives ended instead of two: {string.Join(" | ", machine.Lives)}");
            return wrong;
        }

        AddEnd(plan, first.Result, reference.Lives[0], wrong);
        if (second != reference.Lives[0] with { Result = second.Result } || second.Result.ExitCode != reference.Lives[0].Result.ExitCode)
        {
            wrong.Add($"the second life is {second} where without a fault it is {reference.Lives[0]}");
        }

        return wrong;
    }

    /// <summary>What is wrong with those that had no fault.</summary>
    internal static void AddNeighbours(FaultMachine machine, ulong victim, List<string> wrong)
    {
        foreach (Domain neighbour in new[] { machine.Runner.Domains[0], machine.Runner.Domains[2] })
        {
            if (neighbour.Result?.Message != AtTheEnd)
            {
                wrong.Add($"{neighbour.Name} ended with {neighbour.Result}");
            }
        }

        if (machine.Answered != FaultMachine.Answers)
        {
            wrong.Add($"the victim answered {machine.Answered} times instead of {FaultMachine.Answers}");
        }

        if (VictimHash(machine) != victim)
        {
            wrong.Add("the victim's state is another than without a fault");
        }

        long bound = Rounded(VcpuSchedule.Compute(machine.System, OverrunNs)[0].LevelDispatchNs);
        long longest = Longest(machine.Runner.Domains[0].Slots[0].DispatchLatency);
        if (longest > bound)
        {
            wrong.Add($"the victim waited {longest} ns, at most {bound} was computed");
        }

        // All weigh the same, and the bystander always runs.
        long level = machine.Runner.Domains[2].Slots[0].RanNs;
        foreach (VcpuSlot slot in machine.Faulty.Slots)
        {
            long lag = BvtBounds.LagNs(machine.System.Domains[1].Share.BvtVcpu, FaultMachine.AllowanceNs, OverrunNs);
            if (slot.RanNs > level + lag)
            {
                wrong.Add($"vCPU {slot.Index} ran {slot.RanNs} ns, the bystander {level}, the lag is {lag}");
            }
        }
    }

    private static void AddEnd(FaultPlan plan, DomainResult result, Life healthy, List<string> wrong)
    {
        (int code, string words) = (result.ExitCode, result.Message);

        // Where one halts for good, another may only sleep.
        bool killed = plan.Work == Work.TwoVcpus && code == FaultMachine.Killed && words.StartsWith("killed; vCPU", StringComparison.Ordinal);
        bool fits = plan.Kind switch
        {
            FaultKind.TripleFault or FaultKind.FileGoneAtStart => code == ExitCodes.TripleFault,
            FaultKind.HaltForGood => code == ExitCodes.Halted || killed,
            FaultKind.EndlessLoop => code == ExitCodes.Hung,
            FaultKind.Panic => (code == ExitCodes.Panic && words.Contains("injected", StringComparison.Ordinal)) || killed,
            FaultKind.PowerOff => code == ExitCodes.PowerOff,
            FaultKind.DeviceThrows => code == ExitCodes.Engine && words.Contains(FailingIo.Words, StringComparison.Ordinal),
            FaultKind.TimerThrows => code == ExitCodes.Engine && words.Contains(FailingTimer.Words, StringComparison.Ordinal),
            FaultKind.EngineStops or FaultKind.EngineThrows => code == ExitCodes.Engine && words.Contains(FailingVcpu.Words, StringComparison.Ordinal),
            FaultKind.FileGoneAtReset => code is ExitCodes.Host or 2 && words.Contains(".tmp", StringComparison.Ordinal),
            FaultKind.Reset => code == healthy.Result.ExitCode && words == healthy.Result.Message,
            _ => IsKnown(code, words),
        };
        if (!fits)
        {
            wrong.Add($"it ended with {code}: {words}");
        }
    }

    // No bug of ours among them: a guest cannot cause one.
    private static bool IsKnown(int code, string words) => code switch
    {
        ExitCodes.PowerOff => words == "powered off",
        ExitCodes.TripleFault => words.StartsWith("triple fault; vCPU", StringComparison.Ordinal),
        ExitCodes.ResetLoop => words.Contains("resets again and again", StringComparison.Ordinal),
        ExitCodes.Unsupported => words.StartsWith("unsupported: ", StringComparison.Ordinal) && !words.StartsWith("unsupported: ;", StringComparison.Ordinal),
        ExitCodes.Halted => words.Contains("halted for good", StringComparison.Ordinal),
        ExitCodes.Hung => words.StartsWith("watchdog: vCPU", StringComparison.Ordinal),
        FaultMachine.Killed when words.StartsWith("killed; vCPU", StringComparison.Ordinal) => true,
        _ => words == "debug exit",
    };

    private static long Longest(LatencyHistogram histogram)
    {
        long[] counts = new long[LatencyHistogram.Classes];
        histogram.AddTo(counts);
        _ = LatencyHistogram.TryPercentile(counts, 100, out long longest);
        return longest;
    }

    // To the end of its class, as the histogram tells it.
    private static long Rounded(long ns)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(ns);
        return Longest(histogram);
    }
}
