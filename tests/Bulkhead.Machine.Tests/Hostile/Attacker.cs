using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Hostile;

/// <summary>The code of hostile neighbours.</summary>
internal static class Attacker
{
    private const uint Directory = 0x20_0000;
    private const uint Fresh = 0x180_0000;
    private const uint FreshEnd = 0x380_0000;
    private const uint Hpet = 0xFED0_0000;

    /// <summary>How many vCPUs it takes.</summary>
    internal static int Vcpus(Attack attack) => attack is Attack.Interrupts or Attack.WakeEachOther or Attack.StartAgain ? 2 : 1;

    internal static Action<Assembler> Code(Attack attack) => attack switch
    {
        Attack.YieldBeforeTick => YieldBeforeTick,
        Attack.WakeByTimer => WakeByTimer,
        Attack.WakeBySelf => WakeBySelf,
        Attack.Interrupts => static c => EachOther(c, answers: false),
        Attack.WakeEachOther => static c => EachOther(c, answers: true),
        Attack.StartAgain => StartAgain,
        Attack.Exits => Exits,
        Attack.Timers => Timers,
        Attack.ChangedCode => ChangedCode,
        Attack.Flushes => Flushes,
        Attack.NewCode => NewCode,
        Attack.LongInstructions => LongInstructions,
        _ => Victim.Compute,
    };

    private static void YieldBeforeTick(Assembler c)
    {
        c.Begin();
        c.Handle(HostileCode.TimerVector);
        c.Forever(static l =>
        {
            l.cli();
            l.Work(95_000);
            l.OneShot(1_000);
            l.sti();
            l.hlt();
        });
    }

    private static void WakeByTimer(Assembler c)
    {
        c.Begin();
        c.Handle(HostileCode.TimerVector);
        c.Forever(static l =>
        {
            l.cli();
            l.OneShot(10_000);
            l.sti();
            l.hlt();
        });
    }

    private static void WakeBySelf(Assembler c)
    {
        c.Begin();
        c.Handle(HostileCode.IpiVector);
        c.Forever(static l =>
        {
            l.cli();
            l.ApicWrite(0x300, 0x4_4000 | HostileCode.IpiVector);
            l.sti();
            l.hlt();
        });
    }

    // Who answers interrupts with interrupts keeps the other one awake; who does not sends them all the time.
    private static void EachOther(Assembler c, bool answers)
    {
        c.Begin();
        c.Handle(HostileCode.IpiVector, h => Answer(h, 1, answers));
        c.StartOther(o => EachOtherRealMode(o, answers));
        c.sti();
        Go(c, 1, answers);
    }

    private static void EachOtherRealMode(Assembler c, bool answers)
    {
        Label behind = c.CreateLabel();
        c.cli();
        c.xor(ax, ax);
        c.mov(ds, ax);
        c.mov(ss, ax);
        c.mov(sp, 0x7000);
        c.call(behind);
        c.push(eax);
        c.push(ecx);
        c.push(edx);
        Answer(c, 0, answers);
        c.pop(edx);
        c.pop(ecx);
        c.pop(eax);
        c.iret();
        c.Label(ref behind);
        c.pop(ax);
        c.mov(__word_ptr[4 * HostileCode.IpiVector], ax);
        c.mov(__word_ptr[(4 * HostileCode.IpiVector) + 2], cs);
        c.EnableX2Apic();
        c.sti();
        Interrupt(c, 0); // the first one: this vCPU is ready last
        Go(c, 0, answers);
    }

    private static void Go(Assembler c, uint other, bool answers) => c.Forever(l =>
    {
        if (answers)
        {
            l.hlt();
        }
        else
        {
            Interrupt(l, other);
        }
    });

    private static void Answer(Assembler c, uint other, bool answers)
    {
        c.Wrmsr(0x80B, 0);
        if (answers)
        {
            Interrupt(c, other);
        }
    }

    private static void Interrupt(Assembler c, uint processor) => c.Wrmsr(0x830, 0x4000 | HostileCode.IpiVector, processor);

    private static void StartAgain(Assembler c)
    {
        c.Begin();
        c.StartOther(Victim.Compute);
        c.Forever(static l =>
        {
            l.Wrmsr(0x830, 0x4500, 1);
            l.Wrmsr(0x830, 0x4610, 1);
        });
    }

    private static void Exits(Assembler c)
    {
        c.Begin();
        c.Forever(static l =>
        {
            l.mov(dx, 0x3FD);
            l.@in(al, dx);
            l.@out(0x80, al);
            l.xor(eax, eax);
            l.cpuid();
            l.mov(eax, __dword_ptr[Hpet + 0xF0]);
            l.mov(__dword_ptr[0xFEC0_0000], 1);
            l.mov(eax, cr0);
            l.mov(cr0, eax);
            l.rdtsc();
            l.pause();
        });
    }

    private static void Timers(Assembler c)
    {
        c.Begin();
        c.Handle(HostileCode.TimerVector);
        c.mov(__dword_ptr[Hpet + 0x10], 1);
        c.mov(__dword_ptr[Hpet + 0x100], 4);
        c.sti();
        c.Forever(static l =>
        {
            l.OneShot(50);
            l.mov(al, 0x30);
            l.@out(0x43, al);
            l.mov(al, 1);
            l.@out(0x40, al);
            l.mov(al, 0);
            l.@out(0x40, al);
            l.mov(eax, __dword_ptr[Hpet + 0xF0]);
            l.add(eax, 4);
            l.mov(__dword_ptr[Hpet + 0x108], eax);
        });
    }

    private static void ChangedCode(Assembler c)
    {
        // mov eax, imm32; ret, of which the number changes each time.
        c.Begin();
        c.Put(Fresh, [0xB8, 0, 0, 0, 0, 0xC3]);
        c.mov(ebx, Fresh);
        c.Forever(static l =>
        {
            l.inc(__dword_ptr[ebx + 1]);
            l.call(ebx);
        });
    }

    private static void Flushes(Assembler c)
    {
        Label fill = c.CreateLabel();
        c.Begin();

        // All of 4 GiB where it is, in pages of 4 MiB.
        c.mov(edi, Directory);
        c.mov(eax, 0x83);
        c.Label(ref fill);
        c.stosd();
        c.add(eax, 0x40_0000);
        c.cmp(edi, Directory + 0x1000);
        c.jne(fill);
        c.mov(eax, cr4);
        c.or(eax, 0x10);
        c.mov(cr4, eax);
        c.mov(eax, Directory);
        c.mov(cr3, eax);
        c.mov(eax, cr0);
        c.or(eax, 0x8000_0000);
        c.mov(cr0, eax);
        c.mov(ebx, Fresh);
        c.Forever(static l =>
        {
            l.mov(eax, __[ebx]);
            l.invlpg(__[ebx]);
            l.mov(eax, __[ebx + 0x1000]);
            l.mov(eax, cr3);
            l.mov(cr3, eax);
        });
    }

    private static void NewCode(Assembler c)
    {
        Label again = c.CreateLabel();
        c.Begin();
        c.Forever(l =>
        {
            // The last round's code is overwritten, and so is forgotten, 4 KiB after 4 KiB.
            l.mov(edi, Fresh);
            l.Label(ref again);
            l.mov(__dword_ptr[edi], 0xC340_9090); // nop; nop; inc eax; ret
            l.call(edi);
            l.add(edi, 0x1004);
            l.cmp(edi, FreshEnd - 0x1004);
            l.jb(again);
        });
    }

    private static void LongInstructions(Assembler c)
    {
        c.Begin();
        c.Forever(static l =>
        {
            l.mov(edi, Fresh);
            l.mov(ecx, (FreshEnd - Fresh) / 8);
            l.rep.stosd();
            l.mov(esi, Fresh);
            l.mov(edi, Fresh + 1);
            l.mov(ecx, 0x10_0000);
            l.rep.movsb();
        });
    }
}
