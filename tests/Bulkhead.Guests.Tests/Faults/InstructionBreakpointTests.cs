using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

/// <summary>Breakpoints on execution. <i>Source</i>: Intel SDM Vol. 3B, 17.3.1.1 Instruction-Breakpoint Exception Condition.</summary>
public sealed class InstructionBreakpointTests
{
    [Theory]
    [EngineSettings]
    public void Instruction_UnderABreakpoint_FaultsFirstAndRfLetsItPassOnce(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.xor(ebx, ebx);
            a.mov(ebp, 2);
            DebugRegisters.Point(a, 1, loop);
            DebugRegisters.Enable(a, (1, DebugRegisters.Execution, 1));
            a.Label(ref loop);
            guest.Mark("loop");
            a.inc(ebx);
            a.dec(ebp);
            a.jne(loop);
            guest.Exit();
        });

        IReadOnlyList<DebugLog> log = DebugLog.Of(guest);
        Assert.Equal([guest.At("loop"), guest.At("loop")], log.Select(e => e.Rip));
        Assert.All(log, e => Assert.Equal(2ul, e.Hits));
        Assert.Equal([0ul, 1], log.Select(e => e.Rbx));

        // The manual: RF is pushed as it is for this #DB, unlike for other faults.
        Assert.All(log, e => Assert.Equal(0ul, e.Rflags & Rflags.RF));
    }

    [Theory]
    [EngineSettings]
    public void Instruction_WhenTheHandlerLeavesRfClear_FaultsAgain(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Write(DebugLog.Patience, 2);
        guest.Long(a =>
        {
            Label at = a.CreateLabel();
            a.xor(ebx, ebx);
            DebugRegisters.Point(a, 0, at);
            DebugRegisters.Enable(a, (0, DebugRegisters.Execution, 1));
            a.Label(ref at);
            guest.Mark("at");
            a.cpuid();
            guest.Exit();
        });

        Assert.Equal(Enumerable.Repeat(guest.At("at"), 3), DebugLog.Of(guest).Select(e => e.Rip));
    }

    [Theory]
    [EngineSettings]
    public void TwoInstructions_EachUnderABreakpoint_BothFault(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Label first = a.CreateLabel(), second = a.CreateLabel(), third = a.CreateLabel();
            DebugRegisters.Point(a, 0, first);
            DebugRegisters.Point(a, 1, second);
            DebugRegisters.Point(a, 3, third);
            DebugRegisters.Enable(a, (0, DebugRegisters.Execution, 1), (1, DebugRegisters.Execution, 1), (3, DebugRegisters.Execution, 1));
            a.Label(ref first);
            guest.Mark("1");
            a.push(rax);
            a.Label(ref second);
            guest.Mark("2");
            a.pushfq(); // interpreted
            a.Label(ref third);
            guest.Mark("3");
            a.pop(rax);
            guest.Mark("after");
            a.mov(__[Layout.Data], rax);
            guest.Exit();
        });

        Assert.Equal([(guest.At("1"), 1ul), (guest.At("2"), 2ul), (guest.At("3"), 8ul)], DebugLog.Of(guest).Select(e => (e.Rip, e.Hits)));
        Assert.Equal(0ul, guest.Read(Layout.Data) & Rflags.RF); // PUSHF's image never has it
    }

    [Theory]
    [EngineSettings]
    public void Popf_WithRfInItsImage_DoesNotSetIt(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Label at = a.CreateLabel();
            DebugRegisters.Point(a, 0, at);
            DebugRegisters.Enable(a, (0, DebugRegisters.Execution, 1));
            a.push(0x1_0002);
            a.popfq();
            a.Label(ref at);
            guest.Mark("at");
            a.nop();
            guest.Exit();
        });

        Assert.Equal([guest.At("at")], DebugLog.Of(guest).Select(e => e.Rip));
    }

    [Theory]
    [EngineSettings]
    public void Breakpoint_WhereTheFetchFaults_ComesFirst(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.CatchAt(Layout.Absent, "after");
        guest.Long(a =>
        {
            a.mov(eax, (int)Layout.Absent);
            a.mov(dr0, rax);
            a.mov(rbx, rax);
            DebugRegisters.Enable(a, (0, DebugRegisters.Execution, 1));
            a.jmp(rbx);
            guest.Mark("after");
            guest.Exit();
        });

        Assert.Equal([Layout.Absent], DebugLog.Of(guest).Select(e => e.Rip));
        Assert.Equal((14, Layout.Absent), (guest.Event.Vector, guest.Event.Rip));
        Assert.Equal(Rflags.RF, guest.Event.Rflags & Rflags.RF);
    }

    [Theory]
    [EngineSettings]
    public void Rep_UnderABreakpoint_FaultsOnceForAllIterations(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Label rep = a.CreateLabel();
            DebugRegisters.Point(a, 0, rep);
            DebugRegisters.Enable(a, (0, DebugRegisters.Execution, 1));
            a.mov(edi, (int)Layout.Free);
            a.mov(ecx, 0x6000);
            a.Label(ref rep);
            guest.Mark("rep");
            a.rep.stosb();
            guest.Exit();
        });

        DebugLog e = Assert.Single(DebugLog.Of(guest));
        Assert.Equal((guest.At("rep"), 0x6000ul), (e.Rip, e.Rcx));
    }

    [Theory]
    [EngineSettings]
    public void MovSs_BeforeABreakpoint_PassesOverItOnIntel(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Label at = a.CreateLabel();
            a.mov(ecx, ss);
            DebugRegisters.Point(a, 0, at);
            DebugRegisters.Enable(a, (0, DebugRegisters.Execution, 1));
            a.mov(ss, ecx);
            a.Label(ref at);
            guest.Mark("at");
            a.nop();
            guest.Exit();
        });

        Assert.Equal(guest.IsAmd ? [guest.At("at")] : [], DebugLog.Of(guest).Select(e => e.Rip));
    }

    [Theory]
    [EngineSettings]
    public void UserCode_UnderABreakpointOfTheKernel_Faults(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Label at = a.CreateLabel();
            a.lea(rax, __[at]);
            a.add(rax, (int)Layout.User);
            a.mov(dr0, rax);
            DebugRegisters.Enable(a, (0, DebugRegisters.Execution, 1));
            guest.ToUser();
            a.Label(ref at);
            guest.Mark("at");
            a.inc(ebx);
            guest.UserExit();
        });

        DebugLog e = Assert.Single(DebugLog.Of(guest));
        Assert.Equal((Layout.User + guest.At("at"), (ulong)Layout.UserCs), (e.Rip, e.Cs));
    }

    private static Guest NewGuest(string engine)
    {
        var guest = new Guest(engine);
        DebugLog.Install(guest);
        return guest;
    }
}
