using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Interrupts;

public sealed class LocalApicTests
{
    [Theory]
    [EngineSettings]
    public void Priorities_OfWaitingInterrupts_DecideTheOrder(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            foreach (byte vector in (byte[])[0x31, 0x62, 0x61, 0x45, 0x62])
            {
                guest.SelfIpi(vector); // 62 twice: one
            }

            a.sti();
            a.nop();
            a.nop();
            guest.Exit();
        });

        Assert.Equal([0x62, 0x61, 0x45, 0x31], guest.Events.Select(e => e.Vector));
    }

    [Theory]
    [EngineSettings]
    public void TaskPriority_ByCr8AndTpr_HoldsBack(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            a.mov(eax, 5);
            a.mov(cr8, rax);
            a.sti();
            guest.SelfIpi(0x55);
            a.nop();
            guest.SelfIpi(0x60);
            a.nop();
            guest.Mark("before");
            a.mov(eax, 4);
            a.mov(cr8, rax);
            guest.Mark("lowered");
            a.nop();
            guest.Apic(0x80, 0x70);
            a.mov(rax, cr8);
            a.mov(__[Layout.Data], rax);
            guest.SelfIpi(0x71);
            a.nop();
            a.mov(eax, __[r11 + 0xA0]);
            a.mov(__[Layout.Data + 8], rax);
            guest.Mark("held");
            guest.Apic(0x80, 0);
            a.nop();
            guest.Exit();
        });

        IReadOnlyList<GuestEvent> events = guest.Events;
        Assert.Equal([0x60, 0x55, 0x71], events.Select(e => e.Vector));
        Assert.True(events[0].Rip <= guest.At("before"));
        Assert.Equal(guest.At("lowered"), events[1].Rip);
        Assert.True(events[2].Rip > guest.At("held"));
        Assert.Equal((7ul, 0x70ul), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
    }

    [Theory]
    [EngineSettings]
    public void InService_UntilEoi_HoldsBackItsClass(string engine)
    {
        using Guest guest = new(engine);
        const ulong trace = Layout.Data + 0x100;
        guest.Gate(0x45, Layout.Code + 0x1000);
        guest.Place(64, Layout.Code + 0x1000, a =>
        {
            a.sti();
            guest.SelfIpi(0x46); // the same class waits
            guest.SelfIpi(0x51); // a higher one does not
            a.nop();
            a.mov(eax, __[r11 + 0xA0]);
            a.mov(__[trace], eax);
            a.mov(eax, __[r11 + 0x120]); // ISR 40-5F
            a.mov(__[trace + 8], eax);
            a.mov(eax, __[r11 + 0x220]); // IRR
            a.mov(__[trace + 16], eax);
            guest.Mark("before eoi");
            guest.Apic(0xB0, 0);
            a.nop();
            guest.Mark("after eoi");
            a.iretq();
        });
        guest.Long(a =>
        {
            guest.EnableApic();
            a.sti();
            guest.SelfIpi(0x45);
            a.nop();
            guest.Exit();
        });

        IReadOnlyList<GuestEvent> events = guest.Events;
        Assert.Equal([0x51, 0x46], events.Select(e => e.Vector));
        Assert.True(events[0].Rip < guest.At("before eoi"));
        Assert.InRange(events[1].Rip, guest.At("before eoi") + 1, guest.At("after eoi"));
        Assert.Equal((0x40ul, 1ul << 5, 1ul << 6), (guest.Read(trace), guest.Read(trace + 8), guest.Read(trace + 16)));
    }

    [Theory]
    [EngineSettings]
    public void Timer_OneShot_FiresOnceAndItsCountEndsAtZero(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label wait = a.CreateLabel();
            guest.EnableApic();
            guest.Apic(0x3E0, 0xB); // divide by 1
            guest.Apic(0x320, 0x40);
            guest.Apic(0x380, 100_000);
            a.sti();
            a.hlt();
            a.mov(eax, __[r11 + 0x390]);
            a.mov(__[Layout.Data], rax);

            // Masked, the next one only counts down.
            guest.Apic(0x320, 0x1_0041);
            guest.Apic(0x380, 50_000);
            a.Label(ref wait);
            a.cmp(__dword_ptr[r11 + 0x390], 0);
            a.jne(wait);
            a.nop();
            guest.Exit();
        });

        Assert.Equal(0x40, guest.Event.Vector);
        Assert.Equal(0ul, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void Timer_Periodic_FiresUntilStopped(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label wait = a.CreateLabel();
            guest.EnableApic();
            guest.Apic(0x3E0, 0xB);
            guest.Apic(0x320, 0x2_0040);
            guest.Apic(0x380, 200_000);
            a.sti();
            a.Label(ref wait);
            a.hlt();
            a.cmp(__dword_ptr[Layout.EventCount], 5);
            a.jb(wait);
            a.cli();
            guest.Apic(0x380, 0);
            guest.Apic(0x320, 0x1_0040);
            a.sti();
            a.nop();
            a.nop();
            a.mov(eax, __[Layout.EventCount]);
            a.mov(__[Layout.Data], eax);
            Label later = a.CreateLabel();
            guest.Apic(0x380, 1_000_000);
            a.Label(ref later);
            a.cmp(__dword_ptr[r11 + 0x390], 0);
            a.jne(later);
            guest.Exit();
        });

        Assert.All(guest.Events, e => Assert.Equal(0x40, e.Vector));
        Assert.True(guest.Events.Count >= 5);
        Assert.Equal(guest.Read(Layout.Data), (ulong)guest.Events.Count);
    }

    [Theory]
    [EngineSettings]
    public void Timer_TscDeadline_FiresOnceNotBefore(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(0x40, Layout.Code + 0x1000);
        guest.Place(64, Layout.Code + 0x1000, a =>
        {
            a.rdtsc();
            a.shl(rdx, 32);
            a.or(rax, rdx);
            a.mov(__[Layout.Data + 8], rax);
            a.inc(__dword_ptr[Layout.Data + 16]);
            guest.Apic(0xB0, 0);
            a.iretq();
        });
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.Apic(0x320, 0x4_0040);
            a.rdtsc();
            a.shl(rdx, 32);
            a.or(rax, rdx);
            a.add(rax, 300_000);
            a.mov(__[Layout.Data], rax);
            a.mov(rdx, rax);
            a.shr(rdx, 32);
            a.mov(ecx, 0x6E0);
            a.wrmsr();
            a.sti();
            a.hlt();
            a.mov(ecx, 0x6E0);
            a.rdmsr();
            a.mov(__[Layout.Data + 24], rax);

            // A deadline that is over fires at once.
            Label wait = a.CreateLabel();
            guest.Msr(0x6E0, 1);
            a.Label(ref wait);
            a.pause();
            a.cmp(__dword_ptr[Layout.Data + 16], 2);
            a.jne(wait);
            guest.Exit();
        });

        Assert.True(guest.Read(Layout.Data + 8) >= guest.Read(Layout.Data));
        Assert.Equal((2ul, 0ul), (guest.Read(Layout.Data + 16), guest.Read(Layout.Data + 24)));
    }

    [Theory]
    [EngineSettings]
    public void Ipi_BetweenTwoVcpus_WakesAndReturns(string engine)
    {
        const int rounds = 200;
        using Guest guest = new(engine, vcpus: 2);
        void Reply(ulong at, ulong counter, uint to)
        {
            guest.Place(64, at, a =>
            {
                a.inc(__dword_ptr[counter]);
                guest.Apic(0xB0, 0);
                guest.Apic(0x310, to << 24);
                guest.Apic(0x300, to == 0 ? 0x40u : 0x41u);
                a.iretq();
            });
        }

        Reply(Layout.Code + 0x1000, Layout.Data, 1); // 0x40 on vCPU 0
        Reply(Layout.Code + 0x2000, Layout.Data + 8, 0); // 0x41 on vCPU 1
        guest.Gate(0x40, Layout.Code + 0x1000);
        guest.Gate(0x41, Layout.Code + 0x2000);
        guest.Place(64, Layout.Code + 0x3000, a =>
        {
            Label wait = a.CreateLabel();
            guest.EnableApic();
            a.mov(__dword_ptr[Layout.Data + 16], 1);
            a.sti();
            a.Label(ref wait);
            a.hlt();
            a.jmp(wait);
        });
        guest.EnterLong(1, Layout.Code + 0x3000);
        guest.Long(a =>
        {
            Label ready = a.CreateLabel(), wait = a.CreateLabel();
            guest.EnableApic();
            a.Label(ref ready);
            a.pause();
            a.cmp(__dword_ptr[Layout.Data + 16], 0);
            a.je(ready);
            guest.Apic(0x310, 1u << 24);
            guest.Apic(0x300, 0x41);
            a.Label(ref wait);
            a.sti();
            a.hlt();
            a.cli();
            a.cmp(__dword_ptr[Layout.Data], rounds);
            a.jb(wait);
            guest.Exit();
        });

        Assert.InRange(guest.Read(Layout.Data + 8), (ulong)rounds, guest.Read(Layout.Data) + 1);
    }

    [Theory]
    [EngineSettings]
    public void Timer_TscDeadline_CountsByTheAdjustedTsc(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.Msr(0x3B, 1ul << 40); // TSC_ADJUST
            guest.Apic(0x320, 0x4_0040);
            a.rdtsc();
            a.shl(rdx, 32);
            a.or(rax, rdx);
            a.add(rax, 300_000);
            a.mov(rdx, rax);
            a.shr(rdx, 32);
            a.mov(ecx, 0x6E0);
            a.wrmsr();
            a.sti();
            a.hlt();
            guest.Exit();
        });

        Assert.Equal(0x40, guest.Event.Vector);
    }

    [Theory]
    [EngineSettings]
    public void Timer_TscDeadline_FollowsTheTscWhereItIsSet(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.Msr(0x10, 0); // set back, as who makes all TSCs equal does
            guest.Apic(0x320, 0x4_0040);
            a.sti();
            guest.Msr(0x6E0, 1ul << 50); // days away
            a.mov(ecx, 0x6E0);
            a.rdmsr();
            a.mov(__[Layout.Data], edx);
            a.nop();
            guest.Mark("before");
            guest.Msr(0x10, (1ul << 50) + 1); // over
            a.nop();
            a.nop();
            guest.Exit();
        });

        Assert.Equal(1ul << 18, guest.Read(Layout.Data));
        Assert.Equal(0x40, guest.Event.Vector);
        Assert.True(guest.Event.Rip > guest.At("before"));
    }
}
