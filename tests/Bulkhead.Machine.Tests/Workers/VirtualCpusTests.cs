using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tests.Hostile;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>Several CPUs in virtual time: each has its own instructions, and none waits for another.</summary>
public sealed class VirtualCpusTests
{
    private const long EndNs = 20_000_000;

    [Fact]
    public void Run_ABusyDomainOnEachOfThree_EachHasACpu()
    {
        using TinyMachine machine = Machine(cpus: 3);
        for (int i = 0; i < 3; i++)
        {
            machine.Add(Victim.Compute);
        }

        _ = machine.Run();
        Assert.All(Slots(machine), static s => Assert.InRange(s.RanNs, EndNs - VirtualCpus.LeadNs, EndNs + VirtualCpus.LeadNs));
        Assert.InRange((long)machine.Runner.Counted!.Executed, (3 * EndNs) - 3, 3 * EndNs);
    }

    [Fact]
    public void Run_OneBusyOfTwo_HasNoMoreThanItsOwn()
    {
        using TinyMachine machine = Machine(cpus: 2);
        machine.Add(Victim.Compute);
        _ = machine.Run();

        Assert.InRange(Slots(machine).Single().RanNs, EndNs - (2 * VirtualCpus.LeadNs), EndNs + (2 * VirtualCpus.LeadNs));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Run_ATimerOnAnotherCpu_IsAnsweredAtOnce(int cpus)
    {
        using TinyMachine machine = Machine(cpus);
        for (int i = 1; i < cpus; i++)
        {
            machine.Add(Victim.Compute);
        }

        machine.Add(Victim.Answer);
        _ = machine.Run();

        long[] waits = new long[LatencyHistogram.Classes];
        Slots(machine)[^1].DispatchLatency.AddTo(waits);
        Assert.True(waits.Sum() > EndNs / Victim.PeriodNs - 10, $"{waits.Sum()}");
        Assert.True(LatencyHistogram.TryPercentile(waits, 100, out long longest));
        Assert.InRange(longest, 0, 1000);
    }

    [Fact]
    public void Run_OneThatSpinsBesideAnother_NeitherSpeedsItUpNorHoldsItUp()
    {
        using TinyMachine machine = Machine(cpus: 2);
        machine.Add(static c => c.Forever(static l => l.pause()));
        machine.Add(Victim.Compute);
        _ = machine.Run();

        Assert.InRange(Slots(machine)[1].RanNs, EndNs - (2 * VirtualCpus.LeadNs), EndNs + (2 * VirtualCpus.LeadNs));
    }

    [Fact]
    public void Run_OneThatSpinsAndOneThatComputesOnACpu_ShareIt()
    {
        using TinyMachine machine = Machine(cpus: 2);
        machine.Add(static c => c.Forever(static l => l.pause()));
        machine.Add(Victim.Compute);
        machine.Add(Victim.Compute);
        _ = machine.Run();

        Assert.All(((int[])[0, 2]).Select(i => Slots(machine)[i]), static s => Assert.InRange(s.RanNs, (EndNs / 2) - (3 * VirtualCpus.LeadNs), (EndNs / 2) + (3 * VirtualCpus.LeadNs)));
    }

    [Fact]
    public void Run_ShareOfACpuInTime_IsNotMadeOfManyTurns()
    {
        using TinyMachine machine = Machine(cpus: 2);
        machine.Add(Victim.Compute);
        int turns = 0;
        machine.Runner.Virtual!.Chosen = (_, _, _) => turns++;
        _ = machine.Run();

        Assert.InRange(turns, 5, 2 * (int)(EndNs / VirtualCpus.LeadNs));
    }

    [Fact]
    public void Change_OfThePolicy_LeavesTheRunTheSame()
    {
        using TinyMachine machine = Machine(cpus: 1);
        machine.Add(Victim.Compute);
        machine.Add(Victim.Answer);
        machine.Runner.Change(0, new PoolRequest(), static _ => new Share(), []);
        _ = machine.Run();

        Assert.Equal(EndNs, machine.Runner.Counted!.NowNs);
        Assert.NotEqual(Bulkhead.X86.State.StateHash.Of([]), machine.Runner.Virtual!.Choices);
    }

    private static List<VcpuSlot> Slots(TinyMachine machine) => [.. machine.Runner.Domains.SelectMany(static d => d.Slots)];

    private static TinyMachine Machine(int cpus) => new()
    {
        EngineOptions = TranslatorEngines.Counting,
        Adjust = r => r with { InstructionClock = true, EndAtNs = EndNs, Pools = [new PoolRequest { Cpus = [.. Enumerable.Range(0, cpus)] }] },
    };
}
