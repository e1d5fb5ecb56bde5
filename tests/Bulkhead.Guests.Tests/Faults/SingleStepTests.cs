using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

public sealed class SingleStepTests
{
    [Theory]
    [EngineSettings]
    public void Popf_SettingTf_TrapsAfterTheNextInstructionAndEachAfter(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label call = a.CreateLabel(), over = a.CreateLabel();
            Begin(a);
            a.nop();
            guest.Mark("1");
            a.mov(eax, __[Layout.Data]);
            guest.Mark("2");
            a.jmp(over);
            a.Label(ref call);
            guest.Mark("5");
            a.nop();
            guest.Mark("6");
            a.ret();
            a.Label(ref over);
            guest.Mark("3");
            a.push(rax);
            guest.Mark("4");
            a.call(call);
            guest.Mark("7");
            a.cpuid();
            guest.Mark("8");
            a.pop(rax);
            guest.Mark("9");
            End(a);
            guest.Mark("after popf");
            a.mov(rax, dr6);
            a.mov(__[Layout.Data + 8], rax);
            guest.Exit();
        });

        IEnumerable<GuestEvent> events = guest.Events;
        Assert.All(events, e => Assert.Equal(1, e.Vector));
        Assert.Equal(Enumerable.Range(1, 9).Select(i => guest.At($"{i}")), events.Take(9).Select(e => e.Rip));
        Assert.Equal(guest.At("after popf"), events.Last().Rip); // POPF that clears TF began with TF set
        Assert.Equal(0xFFFF_4FF0ul, guest.Read(Layout.Data + 8));
        Assert.All(events.SkipLast(1), e => Assert.Equal(Rflags.TF, e.Rflags & Rflags.TF));
    }

    [Theory]
    [EngineSettings]
    public void Iret_SettingTf_TrapsAfterOneInstructionOfUserCode(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.ToUser(0x302);
            guest.Mark("first"); // ToUser ends with a NOP
            a.inc(eax);
            guest.Mark("second");
            guest.UserExit();
        });

        // INT clears TF, so nothing traps behind it.
        Assert.Equal([guest.At("first") + Layout.User, guest.At("second") + Layout.User], guest.Events.Select(e => e.Rip));
        Assert.All(guest.Events, e => Assert.Equal((1, (ulong)Layout.UserCs), (e.Vector, e.Cs)));
    }

    [Theory]
    [EngineSettings]
    public void RepString_WithTf_TrapsAfterEachElement(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(esi, (int)Layout.Data);
            a.mov(edi, (int)Layout.Data + 0x100);
            a.mov(ecx, 3);
            Begin(a);
            guest.Mark("rep");
            a.rep.movsb();
            guest.Mark("after");
            End(a);
            guest.Exit();
        });

        IReadOnlyList<GuestEvent> events = guest.Events;
        Assert.Equal([guest.At("rep"), guest.At("rep"), guest.At("after")], events.Take(3).Select(e => e.Rip));
        Assert.Equal([2ul, 1, 0], events.Take(3).Select(e => e.Rcx));
        Assert.Equal([Layout.Data + 1, Layout.Data + 2, Layout.Data + 3], events.Take(3).Select(e => e.Rsi));
    }

    [Theory]
    [EngineSettings]
    public void Tf_AtAFault_IsInTheFrameAndNoTrapComesFirst(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.xor(ecx, ecx);
            Begin(a);
            guest.Catch("div", () => a.div(ecx));
            guest.Mark("next");
            a.nop();
            guest.Mark("after nop");
            End(a);
            guest.Exit();
        });

        IReadOnlyList<GuestEvent> events = guest.Events;
        Assert.Equal((0, guest.At("div")), (events[0].Vector, events[0].Rip));
        Assert.Equal(Rflags.TF, events[0].Rflags & Rflags.TF);
        Assert.Equal((1, guest.At("after nop")), (events[1].Vector, events[1].Rip));
    }

    [Theory]
    [EngineSettings]
    public void Int_WithTf_RunsItsHandlerUnstepped(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(0x40, Layout.Code + 0x1000);
        guest.Place(64, Layout.Code + 0x1000, a =>
        {
            a.inc(rbx);
            a.iretq();
        });
        guest.Long(a =>
        {
            a.xor(ebx, ebx);
            Begin(a);
            a.@int(0x40);
            guest.Mark("after int");
            a.nop();
            guest.Mark("after nop");
            End(a);
            a.mov(__[Layout.Data + 8], rbx);
            guest.Exit();
        });

        Assert.Equal(1ul, guest.Read(Layout.Data + 8));
        Assert.Equal(guest.At("after nop"), guest.Events[0].Rip); // IRET sets TF again, too late for itself
    }

    [Theory]
    [EngineSettings]
    public void MovSs_WithTf_TrapsAfterTheInstructionBehindIt(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(ecx, ss);
            Begin(a);
            a.mov(ss, ecx);
            a.nop();
            guest.Mark("after nop");
            End(a);
            guest.Exit();
        });

        Assert.Equal(guest.At("after nop"), guest.Events[0].Rip);
    }

    [Theory]
    [EngineSettings]
    public void Syscall_WithTf_IsSteppedUnlessFmaskClearsIt(string engine)
    {
        using Guest guest = new(engine);
        guest.Place(64, Layout.Code + 0x1000, a =>
        {
            a.inc(r12);
            Guest.Sysret(a);
        });
        guest.Long(a =>
        {
            guest.SystemCalls(Layout.Code + 0x1000, 0x100);
            a.xor(r12d, r12d);
            guest.ToUser(0x302);
            guest.Mark("1");
            a.syscall();
            guest.Mark("2");
            a.nop();
            guest.Mark("3");
            guest.UserExit();
        });

        // SYSRET sets TF and is stepped by it, as if SYSCALL had just been done.
        Assert.Equal(
            [Layout.User + guest.At("1"), Layout.User + guest.At("2"), Layout.User + guest.At("3")],
            guest.Events.Select(e => e.Rip));
        Assert.Equal(1ul, guest.Events[2].R(12));
    }

    [Theory]
    [EngineSettings]
    public void GeneralDetect_OnMovDr_IsAFaultWithBd(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(eax, 0x2400);
            a.mov(dr7, rax);
            guest.Mark("mov dr");
            a.mov(rbx, dr0);
            a.mov(rax, dr6);
            a.mov(__[Layout.Data], rax);
            guest.Exit();
        });

        // The fault clears GD, so the instruction passes the second time.
        guest.Expect((1, 0, "mov dr"));
        Assert.Equal(0x2000ul, guest.Read(Layout.Data) & 0x2000);
    }

    private static void Begin(Assembler a)
    {
        a.pushfq();
        a.or(__dword_ptr[rsp], 0x100);
        a.popfq();
    }

    private static void End(Assembler a)
    {
        a.pushfq();
        a.and(__dword_ptr[rsp], ~0x100);
        a.popfq();
    }
}
