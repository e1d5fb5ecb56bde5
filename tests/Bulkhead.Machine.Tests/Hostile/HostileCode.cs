using Bulkhead.Machine.Tests.Guests;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Hostile;

/// <summary>What victims and attackers are made of: flat 32-bit code with an IDT at 0x8100 and the stack below 0x9000.</summary>
internal static class HostileCode
{
    internal const byte TimerVector = 0x40;
    internal const byte IpiVector = 0x41;

    private const uint Apic = 0xFEE0_0000;

    /// <summary>The stack, an IDT of nothing, and the local APIC on, its timer at a nanosecond a count.</summary>
    internal static void Begin(this Assembler c)
    {
        c.cld();
        c.mov(esp, 0x9000);
        c.mov(edi, 0x8100);
        c.xor(eax, eax);
        c.mov(ecx, 0x200);
        c.rep.stosd();
        c.mov(__word_ptr[0x8000], 0x7FF);
        c.mov(__dword_ptr[0x8002], 0x8100);
        c.lidt(__[0x8000]);
        c.ApicWrite(0xF0, 0x1FF);
        c.ApicWrite(0x3E0, 0xB);
    }

    /// <summary>Handles an interrupt: what the code does, and its end for the local APIC. EAX, ECX and EDX are kept.</summary>
    internal static void Handle(this Assembler c, byte vector, Action<Assembler>? code = null)
    {
        Label behind = c.CreateLabel();
        c.call(behind);
        c.push(eax);
        c.push(ecx);
        c.push(edx);
        code?.Invoke(c);
        c.ApicWrite(0xB0, 0);
        c.pop(edx);
        c.pop(ecx);
        c.pop(eax);
        c.iretd();
        c.Label(ref behind);
        c.pop(eax);
        c.mov(__word_ptr[0x8100 + (8 * vector)], ax);
        c.mov(__word_ptr[0x8102 + (8 * vector)], cs);
        c.mov(__word_ptr[0x8104 + (8 * vector)], 0x8E00);
        c.shr(eax, 16);
        c.mov(__word_ptr[0x8106 + (8 * vector)], ax);
    }

    internal static void ApicWrite(this Assembler c, uint register, uint value) => c.mov(__dword_ptr[Apic + register], value);

    /// <summary>The local APIC's timer once, after so many nanoseconds.</summary>
    internal static void OneShot(this Assembler c, uint ns)
    {
        c.ApicWrite(0x320, TimerVector);
        c.ApicWrite(0x380, ns);
    }

    /// <summary>The local APIC's timer again and again.</summary>
    internal static void Periodic(this Assembler c, uint ns)
    {
        c.ApicWrite(0x320, 0x2_0000 | TimerVector);
        c.ApicWrite(0x380, ns);
    }

    /// <summary>Runs for about so many instructions. ECX is lost.</summary>
    internal static void Work(this Assembler c, uint instructions)
    {
        Label again = c.CreateLabel();
        c.mov(ecx, instructions / 2);
        c.Label(ref again);
        c.dec(ecx);
        c.jne(again);
    }

    /// <summary>The same for ever.</summary>
    internal static void Forever(this Assembler c, Action<Assembler> code)
    {
        Label again = c.CreateLabel();
        c.Label(ref again);
        code(c);
        c.jmp(again);
    }

    /// <summary>Puts bytes at an address below 4 GiB.</summary>
    internal static void Put(this Assembler c, uint address, byte[] bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            c.mov(__byte_ptr[address + i], bytes[i]);
        }
    }

    /// <summary>INIT and SIPI to processor 1, whose real-mode code is put at 0x10000; the local APIC is in x2APIC mode afterwards.</summary>
    internal static void StartOther(this Assembler c, Action<Assembler> realMode)
    {
        var other = new Assembler(16);
        realMode(other);
        using var bytes = new MemoryStream();
        _ = other.Assemble(new StreamCodeWriter(bytes), 0);
        c.Put(0x1_0000, bytes.ToArray());
        c.EnableX2Apic();
        c.Wrmsr(0x830, 0x4500, 1);
        c.Wrmsr(0x830, 0x4610, 1);
    }

    /// <summary>x2APIC mode, which real mode reaches too.</summary>
    internal static void EnableX2Apic(this Assembler c)
    {
        c.mov(ecx, 0x1B);
        c.rdmsr();
        c.or(eax, 0xC00);
        c.wrmsr();
        c.Wrmsr(0x80F, 0x1FF);
    }

    internal static void Wrmsr(this Assembler c, uint index, uint low, uint high = 0)
    {
        c.mov(ecx, index);
        c.mov(eax, low);
        c.mov(edx, high);
        c.wrmsr();
    }
}
