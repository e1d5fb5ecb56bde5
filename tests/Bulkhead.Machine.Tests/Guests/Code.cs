using System.Text;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Guests;

/// <summary>What tiny guests do.</summary>
internal static class Code
{
    /// <summary>Writes 32 bits to a port. EAX, EDX are lost.</summary>
    internal static void Out32(this Assembler c, ushort port, uint value)
    {
        c.mov(eax, value);
        c.mov(dx, port);
        c.@out(dx, eax);
    }

    internal static void Out(this Assembler c, ushort port, byte value)
    {
        c.mov(dx, port);
        c.mov(al, value);
        c.@out(dx, al);
    }

    internal static void Print(this Assembler c, string text)
    {
        foreach (byte b in Encoding.ASCII.GetBytes(text))
        {
            c.Out(0x3F8, b);
        }
    }

    /// <summary>Ends the domain with exit code AL * 2 + 1.</summary>
    internal static void Exit(this Assembler c)
    {
        c.mov(dx, 0xF4);
        c.@out(dx, al);
    }

    /// <summary>An empty IDT, and an invalid instruction: a triple fault.</summary>
    internal static void TripleFault(this Assembler c)
    {
        c.push(0);
        c.push(0);
        c.mov(esp, 0x9000);
        c.mov(__dword_ptr[0x8000], 0);
        c.mov(__dword_ptr[0x8004], 0);
        c.lidt(__[0x8000]);
        c.ud2();
    }

    /// <summary>Stands still for ever, with interrupts off.</summary>
    internal static void Halt(this Assembler c)
    {
        c.cli();
        c.hlt();
        c.hlt();
    }

    /// <summary>An interrupt gate to code that exits, in an IDT at 0x8100 whose descriptor stands at 0x8000.</summary>
    internal static void SetGate(this Assembler c, int vector, byte exit)
    {
        Label behind = c.CreateLabel();
        c.mov(esp, 0x9000);
        c.mov(__word_ptr[0x8000], 0x7FF);
        c.mov(__dword_ptr[0x8002], 0x8100);
        c.call(behind);
        c.mov(al, exit);
        c.Exit();
        c.Label(ref behind);
        c.pop(eax);
        c.mov(__word_ptr[0x8100 + (8 * vector)], ax);
        c.mov(__word_ptr[0x8102 + (8 * vector)], cs);
        c.mov(__word_ptr[0x8104 + (8 * vector)], 0x8E00);
        c.shr(eax, 16);
        c.mov(__word_ptr[0x8106 + (8 * vector)], ax);
        c.lidt(__[0x8000]);
    }

    /// <summary>One shot of the local APIC's timer, soon.</summary>
    internal static void StartApicTimer(this Assembler c, byte vector)
    {
        c.mov(ebx, 0xFEE0_0000);
        c.mov(__dword_ptr[ebx + 0xF0], 0x1FF);
        c.mov(__dword_ptr[ebx + 0x320], vector);
        c.mov(__dword_ptr[ebx + 0x380], 0x10000);
    }
}
