using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tests.Hostile;
using Bulkhead.Machine.Workers;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>vCPUs of a domain that spin until another has done something, on one clock made of instructions.</summary>
public sealed class SpinTests
{
    private const int Rounds = 100;
    private const int Ready = 0x7000;
    private const int Lock = 0x7004;
    private const int InnerLock = 0x7008;

    /// <summary>The period of the timer; both turns of the default policy together are as long.</summary>
    private const uint PeriodNs = 4_000_000;

    /// <summary>Settings that translate otherwise, but must not be told apart by a guest.</summary>
    private const string Plain = "chain=off,jump-cache=off,return-stack=off,flag-lookahead=off,inline-system=off,shared-checks=off,max-block=1";

    public static TheoryData<SchedulingPolicy> Policies =>
        [SchedulingPolicy.Bvt, SchedulingPolicy.Edf, SchedulingPolicy.FixedPriority, SchedulingPolicy.Arinc653];

    [Theory]
    [MemberData(nameof(Policies))]
    public void Spin_HandingOverAHundredTimes_TakesLessThanATurn(SchedulingPolicy policy)
    {
        using TinyMachine machine = Machine(r => r with
        {
            EndAtNs = r.Pools[0].AllowanceNs,
            Pools = [r.Pools[0] with { Policy = policy, Frame = new TimeFrame(PeriodNs, [new TimeWindow("tiny0", 0, PeriodNs)]) }],
        });
        machine.Add(HandOver, vcpus: 2, new Share { Partition = "tiny0" });

        DomainResult result = Assert.Single(machine.Run());

        Assert.Equal((7, "debug exit"), (result.ExitCode, result.Message));
    }

    // As Linux did: one spins with interrupts off for a lock, the other holds it whenever its turn ends, since its timer's handler
    // takes it and the next turn ends as long after as the timer's period is.
    [Fact]
    public void Spin_TurnsAsLongAsThePeriodOfATimerWhoseHandlerTakesTheLock_GoesOn()
    {
        using TinyMachine machine = Machine(static r => r with { EndAtNs = 25 * PeriodNs });
        machine.Add(TakeBoth, vcpus: 2);

        DomainResult result = Assert.Single(machine.Run());

        Assert.Equal((7, "debug exit"), (result.ExitCode, result.Message));
    }

    [Fact]
    public void Spin_OnOtherSettingsOrLookedAt_SameState()
    {
        ulong hash = HandOverHash(string.Empty, every: 0);
        Assert.Equal(hash, HandOverHash(Plain, every: 0));
        Assert.Equal(hash, HandOverHash(string.Empty, every: 777));
    }

    private static ulong HandOverHash(string settings, ulong every)
    {
        using TinyMachine machine = Machine(static r => r with { EndAtNs = 25 * PeriodNs }, settings);
        machine.Add(HandOver, vcpus: 2);
        machine.Add(Victim.Compute);
        int looks = 0;
        if (every != 0)
        {
            machine.Runner.Counted!.Observer = (every, every, _ => looks++);
        }

        machine.Runner.Domains[0].Ended += _ => machine.Runner.Domains[1].Stop(1, "seen enough");
        _ = machine.Run();
        Assert.True(every == 0 || looks > 10);
        return StateHash.Add(DomainHash.Of(machine.Runner.Domains[0], StateHash.Of([])), (ulong)machine.Runner.Counted!.NowNs);
    }

    // Both wait for their number to come, and add one.
    private static void HandOver(Assembler c)
    {
        c.Begin();
        c.StartOther(static o =>
        {
            o.xor(ax, ax);
            o.mov(ds, ax);
            o.Forever(static l => Answer(l, 1));
        });
        Label again = c.CreateLabel();
        c.mov(ecx, Rounds);
        c.Label(ref again);
        Answer(c, 0);
        c.dec(ecx);
        c.jne(again);
        c.mov(al, 3);
        c.Exit();
    }

    private static void Answer(Assembler c, byte odd)
    {
        Label again = c.CreateLabel();
        c.nop(); // may carry another label
        c.Label(ref again);
        c.pause();
        c.mov(al, __byte_ptr[Ready]);
        c.and(al, 1);
        c.cmp(al, odd);
        c.jne(again);
        c.inc(__byte_ptr[Ready]);
    }

    private static void TakeBoth(Assembler c)
    {
        Label again = c.CreateLabel();
        c.Begin();
        c.mov(__byte_ptr[Lock], 1);
        c.StartOther(TakeInTimer);
        c.Label(ref again);
        c.pause();
        c.cmp(__byte_ptr[Ready], 0);
        c.je(again);
        Take(c, InnerLock);
        c.mov(__byte_ptr[InnerLock], 0);
        c.mov(__byte_ptr[Lock], 0);
        c.mov(al, 3);
        c.Exit();
    }

    // The handler begins a quarter into a turn and holds its lock into the next one.
    private static void TakeInTimer(Assembler c)
    {
        Label behind = c.CreateLabel();
        c.cli();
        c.xor(ax, ax);
        c.mov(ds, ax);
        c.mov(ss, ax);
        c.mov(sp, 0x6000);
        c.call(behind);
        Take(c, InnerLock);
        c.mov(__byte_ptr[Ready], 1);
        c.Work(1_900_000);
        c.mov(__byte_ptr[InnerLock], 0);
        c.Wrmsr(0x80B, 0);
        c.iret();
        c.Label(ref behind);
        c.pop(ax);
        c.mov(__word_ptr[4 * HostileCode.TimerVector], ax);
        c.mov(__word_ptr[(4 * HostileCode.TimerVector) + 2], cs);
        c.EnableX2Apic();
        c.Work(500_000);
        c.Wrmsr(0x83E, 0xB);
        c.Wrmsr(0x832, 0x2_0000 | HostileCode.TimerVector);
        c.Wrmsr(0x838, PeriodNs);
        c.sti();
        Take(c, Lock);
        c.Forever(static l => l.pause());
    }

    private static void Take(Assembler c, int address)
    {
        Label again = c.CreateLabel();
        Label taken = c.CreateLabel();
        c.Label(ref again);
        c.mov(al, 1);
        c.xchg(__byte_ptr[address], al);
        c.test(al, al);
        c.je(taken);
        c.pause();
        c.jmp(again);
        c.Label(ref taken);
        c.nop(); // may be followed by another label
    }

    private static TinyMachine Machine(Func<MachineRequest, MachineRequest> adjust, string settings = "") => new()
    {
        EngineOptions = $"{settings},{TranslatorEngines.Counting}",
        Adjust = r => adjust(r with { InstructionClock = true, Pools = [new PoolRequest()] }),
    };
}
