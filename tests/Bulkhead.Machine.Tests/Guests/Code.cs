using System.Text;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Guests;

/// <summary>What tiny guests do.</summary>
internal static class Code
{
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
}
