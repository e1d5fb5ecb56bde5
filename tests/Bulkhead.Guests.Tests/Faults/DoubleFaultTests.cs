using Bulkhead.Guests.Tests.Harness;
using Bulkhead.Machine.Domains;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

public sealed class DoubleFaultTests
{
    [Theory]
    [EngineSettings]
    public void Contributory_OnContributory_IsDf(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(0, Layout.Stubs, present: false);
        guest.Long(a =>
        {
            a.xor(ecx, ecx);
            guest.Catch("div", () => a.div(ecx));
            guest.Exit();
        });

        guest.Expect((8, 0, "div"));
    }

    [Theory]
    [EngineSettings]
    public void PageFault_OnItsOwnStack_IsDfWithTheSecondAddressInCr2(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(14, Layout.Stubs + (14 * 16)); // on the current stack
        guest.Gate(8, Layout.Stubs + (8 * 16), ist: 1);
        guest.Long(a =>
        {
            a.mov(rsp, Layout.Absent + 0x800);
            guest.Catch("push", () => a.push(rax));
            a.mov(rsp, Layout.StackOf(0));
            guest.Exit();
        });

        guest.Expect((8, 0, "push"));
        Assert.Equal(Layout.Absent + 0x800, guest.Event.Rsp);
        Assert.InRange(guest.Event.Cr2, Layout.Absent + 0x7D0, Layout.Absent + 0x7FF);
    }

    [Theory]
    [EngineSettings]
    public void PageFault_OnTheIdt_ForABenignException_IsPlainPf(string engine)
    {
        using Guest guest = new(engine);
        // #UD's gate lies in an absent page, #PF's in the next one: the fault of the gate is delivered instead.
        ulong idt = Layout.Own + 0x1000 - (7 * 16);
        guest.Pages.Map(Layout.Own + 0x1000, Layout.Free);
        for (ulong i = 7; i < 32; i++)
        {
            guest.Write(Layout.Free + ((i - 7) * 16), guest.Read(Layout.Idt + (i * 16)));
            guest.Write(Layout.Free + ((i - 7) * 16) + 8, guest.Read(Layout.Idt + (i * 16) + 8));
        }

        guest.Long(a =>
        {
            a.mov(__word_ptr[Layout.Data], 0x1FF);
            a.mov(rax, idt);
            a.mov(__[Layout.Data + 2], rax);
            a.lidt(__[Layout.Data]);
            guest.Catch("ud", () => a.ud2());
            guest.Exit();
        });

        guest.Expect((14, 0, "ud"));
        Assert.Equal(idt + (6 * 16), guest.Event.Cr2);
    }

    [Theory]
    [EngineSettings]
    public void Fault_WithoutAnIdt_IsATripleFault(string engine)
    {
        using Guest guest = new(engine);
        DomainResult result = guest.LongResult(a =>
        {
            a.mov(__qword_ptr[Layout.Data], 0);
            a.mov(__qword_ptr[Layout.Data + 8], 0);
            a.lidt(__[Layout.Data]);
            guest.Mark("ud");
            a.ud2();
        });

        Assert.Equal(ExitCodes.TripleFault, result.ExitCode);
        Assert.Contains("triple fault", result.Message, StringComparison.Ordinal);
        Assert.Equal(guest.At("ud"), guest.Cpu().Rip);
    }

    [Theory]
    [EngineSettings]
    public void DoubleFault_OnAStackThatIsGone_IsATripleFault(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(14, Layout.Stubs + (14 * 16));
        guest.Gate(8, Layout.Stubs + (8 * 16));
        DomainResult result = guest.LongResult(a =>
        {
            a.mov(rsp, Layout.Absent);
            a.push(rax);
        });

        Assert.Equal(ExitCodes.TripleFault, result.ExitCode);
    }
}
