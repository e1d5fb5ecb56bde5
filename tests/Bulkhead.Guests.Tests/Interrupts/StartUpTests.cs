using Bulkhead.Guests.Tests.Harness;
using Bulkhead.Machine.Domains;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Interrupts;

public sealed class StartUpTests
{
    private const ushort TableRegister = 0x500;
    private const ushort NmiCode = 0x7800, StartCount = 0x510, NmiCount = 0x520;
    private const ulong Count = Layout.Data, Ids = Layout.Data + 0x100, LongStart = Layout.Code + 0x1000;

    [Theory]
    [EngineSettings]
    public void InitSipiSipi_OfThreeVcpus_BringsThemToLongMode(string engine)
    {
        using Guest guest = new(engine, vcpus: 4);
        guest.Write(TableRegister, 0xFFF | (Layout.Gdt << 16));
        guest.Place(16, Layout.RealCode, a =>
        {
            a.cli();
            a.mov(ax, cs);
            a.mov(__word_ptr[0x510], ax);
            a.lgdt(__[TableRegister]);
            a.mov(eax, (int)(Cr4.PAE | Cr4.OSFXSR));
            a.mov(cr4, eax);
            a.mov(eax, (int)guest.Pages.Root);
            a.mov(cr3, eax);
            a.mov(ecx, 0xC000_0080);
            a.rdmsr();
            a.or(eax, (int)(Efer.LME | Efer.NXE));
            a.wrmsr();
            a.mov(eax, cr0);
            a.or(eax, unchecked((int)(uint)(Cr0.PG | Cr0.PE)));
            a.mov(cr0, eax);
            a.db(0x66, 0xEA); // straight into 64-bit code
            a.dd((uint)LongStart);
            a.dw(Layout.KernelCs);
        });
        guest.Place(64, LongStart, a =>
        {
            Label stop = a.CreateLabel();
            a.mov(eax, Layout.KernelDs);
            a.mov(ss, eax);
            a.mov(ds, eax);
            a.mov(r11d, (uint)Layout.LocalApic);
            a.mov(eax, __[r11 + 0x20]);
            a.shr(eax, 24);
            a.@lock.inc(__byte_ptr[rax + (int)Ids]);
            a.@lock.inc(__dword_ptr[Count]);
            a.Label(ref stop);
            a.cli();
            a.hlt();
            a.jmp(stop);
        });
        guest.Long(a =>
        {
            void WaitFor(int count)
            {
                Label wait = a.CreateLabel();
                a.Label(ref wait);
                a.pause();
                a.cmp(__dword_ptr[Count], count);
                a.jb(wait);
            }

            guest.EnableApic();
            guest.Apic(0x300, 0xC_4500); // INIT to all others
            guest.Apic(0x300, 0xC_4607); // start-up at 7000
            guest.Apic(0x300, 0xC_4607);
            WaitFor(3);

            // One of them once more; a start-up IPI to the two that run changes nothing.
            guest.Apic(0x310, 2u << 24);
            guest.Apic(0x300, 0x4500);
            guest.Apic(0x300, 0x4607);
            WaitFor(4);
            guest.Exit();
        });

        Assert.Equal(0x0102_0100ul, guest.Read(Ids)); // by APIC id
        Assert.Equal(0x700ul, guest.Read(0x510) & 0xFFFF);
    }

    [Fact]
    public void Sipi_OfOneThatRuns_IsNotKeptForTheNextInit()
    {
        using Guest guest = PrepareCounting(out VcpuSlot slot);
        slot.Vcpu.StartUp(7);
        Assert.Equal(1, RunToHalt(guest));

        slot.Vcpu.StartUp(7);
        slot.Vcpu.Init();
        Assert.Equal(1, RunToHalt(guest));
        Assert.Equal((byte)ActivityState.WaitForSipi, slot.Vcpu.Registers.Activity);

        slot.Vcpu.StartUp(7);
        Assert.Equal(2, RunToHalt(guest));
    }

    [Fact]
    public void Sipi_OfOneThatRuns_IsNotKeptForTheNextReset()
    {
        using Guest guest = PrepareCounting(out VcpuSlot slot);
        slot.Vcpu.StartUp(7);
        Assert.Equal(1, RunToHalt(guest));

        slot.Vcpu.StartUp(7);
        slot.Vcpu.Nmi();
        slot.Vcpu.Reset();
        slot.Vcpu.Registers.Activity = (byte)ActivityState.WaitForSipi;
        Assert.Equal(1, RunToHalt(guest));
        Assert.Equal((byte)ActivityState.WaitForSipi, slot.Vcpu.Registers.Activity);

        slot.Vcpu.StartUp(7);
        Assert.Equal(2, RunToHalt(guest));
        Assert.Equal(0, Nmis(guest));
    }

    [Fact]
    public void InitAndSipi_AtOnce_BothCount()
    {
        using Guest guest = PrepareCounting(out VcpuSlot slot);
        slot.Vcpu.StartUp(7);
        Assert.Equal(1, RunToHalt(guest));

        slot.Vcpu.StartUp(9);
        slot.Vcpu.Init();
        slot.Vcpu.StartUp(7);
        slot.Vcpu.StartUp(9);
        Assert.Equal(2, RunToHalt(guest));
    }

    [Fact]
    public void Nmi_BeforeTheSipi_IsForgotten()
    {
        using Guest guest = PrepareCounting(out VcpuSlot slot);
        slot.Vcpu.Nmi(); // to one that waits
        slot.Vcpu.StartUp(7);
        Assert.Equal((1, 0), (RunToHalt(guest), Nmis(guest)));

        slot.Vcpu.Nmi(); // before the INIT, and behind it
        slot.Vcpu.Init();
        slot.Vcpu.Nmi();
        slot.Vcpu.StartUp(7);
        Assert.Equal((2, 0), (RunToHalt(guest), Nmis(guest)));

        slot.Vcpu.Init();
        Assert.Equal(2, RunToHalt(guest));
        slot.Vcpu.Nmi();
        slot.Vcpu.StartUp(7);
        slot.Vcpu.Nmi(); // behind the SIPI
        Assert.Equal((3, 1), (RunToHalt(guest), Nmis(guest)));
    }

    /// <summary>A vCPU that waits for a SIPI at <see cref="Layout.RealCode"/>, where it counts and halts.</summary>
    private static Guest PrepareCounting(out VcpuSlot slot)
    {
        Guest guest = new(vcpus: 2);
        slot = guest.Slot(1);
        guest.Write32(4 * 2, NmiCode);
        guest.Place(16, NmiCode, a =>
        {
            a.inc(__word_ptr[NmiCount]);
            a.iret();
        });
        guest.Place(16, Layout.RealCode, a =>
        {
            Label stop = a.CreateLabel();
            a.xor(ax, ax);
            a.mov(ss, eax);
            a.mov(sp, 0x6000);
            a.mov(ds, eax);
            a.inc(__word_ptr[StartCount]);
            a.Label(ref stop);
            a.hlt();
            a.jmp(stop);
        });
        return guest;
    }

    /// <summary>Runs it until it halts; how often it was started.</summary>
    private static int RunToHalt(Guest guest)
    {
        VcpuSlot slot = guest.Slot(1);
        Assert.Equal(StopReason.Halt, slot.Vcpu.Run(slot.Io, long.MaxValue));
        return (ushort)guest.Read(StartCount);
    }

    private static int Nmis(Guest guest) => (ushort)guest.Read(NmiCount);
}
