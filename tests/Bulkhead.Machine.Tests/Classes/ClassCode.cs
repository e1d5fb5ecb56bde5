using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tests.Hostile;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Classes;

/// <summary>Guests that say what they are doing.</summary>
internal static class ClassCode
{
    /// <summary>Says it through the hint port. EAX and EDX are lost.</summary>
    internal static void Hint(this Assembler c, byte hint) => c.Out(HintPort.First, hint);

    /// <summary>Prints the four bytes of the hint port, from the lowest on, each as a character 'A' + value (the signature as it is).</summary>
    internal static void PrintHintPort(this Assembler c)
    {
        c.mov(dx, HintPort.First);
        c.@in(eax, dx);
        c.mov(ebx, eax);
        for (int i = 0; i < 4; i++)
        {
            c.mov(al, bl);
            if (i < 3)
            {
                c.add(al, (sbyte)'A');
            }

            c.mov(dx, 0x3F8);
            c.@out(dx, al);
            c.shr(ebx, 8);
        }
    }

    /// <summary>The task priority, by the local APIC's page.</summary>
    internal static void TaskPriority(this Assembler c, byte priority) => c.ApicWrite(0x80, (uint)priority << 4);

    /// <summary>Rings a doorbell of a member of the channel that is the first device on the PCI bus. EAX, EDX are lost.</summary>
    internal static void RingDoorbell(this Assembler c, int member, int doorbell)
    {
        const uint device = 0x8000_0800;
        c.Out32(0xCF8, device + 4);
        c.Out32(0xCFC, 2); // memory decoding on
        c.Out32(0xCF8, device + 0x10);
        c.mov(dx, 0xCFC);
        c.@in(eax, dx);
        c.and(eax, -16);
        c.mov(__dword_ptr[eax + 12], (member << 16) | doorbell);
    }

    /// <summary>Claims again and again what it likes, works, and halts for moments: whatever gets it most.</summary>
    internal static void Lie(Assembler c, byte[] hints, uint work, bool sleeps)
    {
        c.Begin();
        c.Handle(HostileCode.TimerVector);
        c.Forever(l =>
        {
            foreach (byte hint in hints)
            {
                l.Hint(hint);
                l.Work(work);
            }

            if (sleeps)
            {
                l.cli();
                l.OneShot(1_000);
                l.sti();
                l.hlt();
            }
        });
    }
}
