using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tests.Hostile;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>The guests faults are put into: work of about 60,000 instructions, and an exit with its sum.</summary>
/// <remarks>Their state at the exit depends on nothing but their instructions: interrupts find them in HLT only, and no value they
/// read tells the time. So it is the same in every life, whoever else runs.</remarks>
internal static class WorkCode
{
    /// <summary>Where page tables lie.</summary>
    internal const uint Tables = 0x20_0000;

    /// <summary>How many bytes of them there are at most.</summary>
    internal const uint TableBytes = 0x7000;

    /// <summary>Where code begins.</summary>
    internal const uint Start = 0x100_0000;

    private const uint Data = 0x30_0000;
    private const uint Start64 = Start + 0x1000;
    private const ulong KernelImage = 0xFFFF_FFFF_8000_0000;

    internal static int Vcpus(Work work) => work == Work.TwoVcpus ? 2 : 1;

    /// <summary>What is loaded at <see cref="Start"/>.</summary>
    internal static byte[] Image(Work work) => work switch
    {
        Work.Compute => Assemble(32, Start, Compute),
        Work.Io => Assemble(32, Start, Io),
        Work.Interrupts => Assemble(32, Start, Interrupts),
        Work.TwoVcpus => Assemble(32, Start, TwoVcpus),
        Work.Paging => Assemble(32, Start, Paging),
        _ => [.. Padded(Assemble(32, Start, EnterLongMode)), .. Assemble(64, Start64, LongMode)],
    };

    internal static byte[] Assemble(int bits, ulong address, Action<Assembler> code)
    {
        var assembler = new Assembler(bits);
        code(assembler);
        using var bytes = new MemoryStream();
        _ = assembler.Assemble(new StreamCodeWriter(bytes), address);
        return bytes.ToArray();
    }

    private static byte[] Padded(byte[] code) => [.. code, .. new byte[Start64 - Start - code.Length]];

    private static void Rounds(Assembler c, uint count, Action<Assembler> round)
    {
        Label again = c.CreateLabel();
        c.mov(ebp, count);
        c.Label(ref again);
        round(c);
        c.dec(ebp);
        c.jne(again);
    }

    // ESI is the sum.
    private static void Finish(Assembler c)
    {
        c.mov(eax, esi);
        c.shr(eax, 16);
        c.xor(eax, esi);
        c.and(eax, 0x7F);
        c.Exit();
    }

    private static void Compute(Assembler c)
    {
        c.Begin();
        c.xor(esi, esi);
        Rounds(c, 8_500, static r =>
        {
            r.lea(esi, __[esi + (esi * 2)]);
            r.add(esi, ebp);
            r.mov(edi, esi);
            r.and(edi, 0xF_FFFC);
            r.mov(__dword_ptr[edi + Data], esi);
        });
        Finish(c);
    }

    private static void Io(Assembler c)
    {
        c.Begin();
        c.xor(esi, esi);
        Rounds(c, 220, static r =>
        {
            r.Out(0x3F8, (byte)'.');
            r.Out(0x3FF, 0x5A);
            r.@in(al, dx);
            r.add(esi, eax);
            r.Out(0x43, 0x34);
            r.Out(0x40, 0);
            r.Out(0x21, 0xFF);
            r.mov(dx, 0xCF8);
            r.mov(eax, 0x8000_0000);
            r.@out(dx, eax);
            r.mov(dx, 0xCFC);
            r.@in(eax, dx);
            r.add(esi, eax);
            r.mov(__dword_ptr[0xFEC0_0000], 1);
            r.add(esi, __dword_ptr[0xFEC0_0010]);
            r.mov(eax, __dword_ptr[0xFED0_0000]);
            r.add(esi, eax);
            r.ApicWrite(0x3E0, 0xB);
            r.Work(250);
        });
        Finish(c);
    }

    private static void Interrupts(Assembler c)
    {
        c.Begin();
        c.xor(esi, esi);
        c.Handle(HostileCode.TimerVector, static h => h.add(esi, ebp));
        Rounds(c, 110, static r =>
        {
            r.cli();
            r.Work(500);
            r.OneShot(700);
            r.sti();
            r.hlt();
        });
        Finish(c);
    }

    private static void TwoVcpus(Assembler c)
    {
        c.Begin();
        c.xor(esi, esi);
        c.Handle(HostileCode.IpiVector, static h =>
        {
            h.add(esi, ebp);
            h.Wrmsr(0x80B, 0); // in x2APIC mode
        });
        c.cli();
        c.StartOther(Other);
        c.sti();
        c.hlt();
        Rounds(c, 110, static r =>
        {
            r.cli();
            r.Work(500);
            r.Wrmsr(0x830, 0x4000 | HostileCode.IpiVector, 1);
            r.sti();
            r.hlt();
        });

        // Until the other one sleeps for certain. x2APIC mode has no registers in memory.
        c.cli();
        c.Wrmsr(0x832, HostileCode.IpiVector);
        c.Wrmsr(0x838, 200_000);
        c.sti();
        c.hlt();
        Finish(c);
    }

    // Real mode: says that it is awake, and sleeps.
    private static void Other(Assembler c)
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
        c.inc(__dword_ptr[0x7100]);
        c.Wrmsr(0x80B, 0);
        c.pop(edx);
        c.pop(ecx);
        c.pop(eax);
        c.iret();
        c.Label(ref behind);
        c.pop(ax);
        c.mov(__word_ptr[4 * HostileCode.IpiVector], ax);
        c.mov(__word_ptr[(4 * HostileCode.IpiVector) + 2], cs);
        c.EnableX2Apic();
        c.Forever(static l =>
        {
            l.cli();
            l.Wrmsr(0x830, 0x4000 | HostileCode.IpiVector, 0);
            l.sti();
            l.hlt();
        });
    }

    private static void Paging(Assembler c)
    {
        c.Begin();
        c.xor(esi, esi);

        // All of 4 GiB where it is, in pages of 4 MiB; the first five of them in pages of 4 KiB.
        Fill(c, Tables, 1024, 0x83, 0x40_0000);
        Fill(c, Tables + 0x1000, 5 * 1024, 3, 0x1000);
        Fill(c, Tables, 5, (Tables + 0x1000) | 3, 0x1000);
        c.mov(eax, cr4);
        c.or(eax, 0x10);
        c.mov(cr4, eax);
        c.mov(eax, Tables);
        c.mov(cr3, eax);
        c.mov(eax, cr0);
        c.or(eax, 0x8000_0000);
        c.mov(cr0, eax);
        Rounds(c, 100, static r =>
        {
            r.mov(__dword_ptr[Data], ebp);
            r.mov(__dword_ptr[Data + 0x1000], esi);
            r.mov(eax, ebp);
            r.and(eax, 1);
            r.shl(eax, 12);
            r.add(eax, Data | 3);
            r.mov(__dword_ptr[Tables + 0x1000 + ((Data + 0x2000) >> 10)], eax);
            r.mov(edi, Data + 0x2000);
            r.invlpg(__[edi]);
            r.add(esi, __dword_ptr[edi]);
            r.mov(eax, cr3);
            r.mov(cr3, eax);
            r.Work(350);
        });
        Finish(c);
    }

    private static void Fill(Assembler c, uint at, uint count, uint first, uint step)
    {
        Label again = c.CreateLabel();
        c.mov(edi, at);
        c.mov(eax, first);
        c.mov(ecx, count);
        c.Label(ref again);
        c.stosd();
        c.add(eax, step);
        c.dec(ecx);
        c.jne(again);
    }

    private static void EnterLongMode(Assembler c)
    {
        Label again = c.CreateLabel();
        c.Begin();

        // All of 4 GiB where it is, in pages of 2 MiB, and the lowest of it again where a kernel lies.
        c.mov(edi, Tables + 0x2000);
        c.mov(eax, 0x83);
        c.Label(ref again);
        c.mov(__dword_ptr[edi], eax);
        c.mov(__dword_ptr[edi + 4], 0);
        c.add(edi, 8);
        c.add(eax, 0x20_0000);
        c.cmp(edi, Tables + 0x6000);
        c.jne(again);
        c.mov(__dword_ptr[Tables], (Tables + 0x1000) | 3);
        c.mov(__dword_ptr[Tables + 0xFF8], (Tables + 0x6000) | 3);
        for (uint i = 0; i < 4; i++)
        {
            c.mov(__dword_ptr[Tables + 0x1000 + (8 * i)], (Tables + 0x2000 + (0x1000 * i)) | 3);
        }

        c.mov(__dword_ptr[Tables + 0x6FF0], (Tables + 0x2000) | 3);
        c.mov(__dword_ptr[0x8908], 0x0000_FFFF);
        c.mov(__dword_ptr[0x890C], 0x00AF_9B00);
        c.mov(__word_ptr[0x8000], 0xF);
        c.mov(__dword_ptr[0x8002], 0x8900);
        c.lgdt(__[0x8000]);
        c.mov(eax, cr4);
        c.or(eax, 0x6A0);
        c.mov(cr4, eax);
        c.mov(eax, Tables);
        c.mov(cr3, eax);
        c.mov(ecx, 0xC000_0080);
        c.rdmsr();
        c.or(eax, 0x100);
        c.wrmsr();
        c.mov(eax, cr0);
        c.or(eax, 0x8000_0000);
        c.mov(cr0, eax);
        c.push(8);
        c.push(Start64);
        c.retf();
    }

    private static void LongMode(Assembler c)
    {
        Label there = c.CreateLabel();
        c.lea(rax, __[there]);
        c.mov(rcx, KernelImage);
        c.or(rax, rcx);
        c.jmp(rax);
        c.Label(ref there);
        c.xor(esi, esi);
        c.mov(r8, KernelImage + Data);
        c.pxor(xmm0, xmm0);
        Rounds(c, 110, static r =>
        {
            r.mov(r9, rbp);
            r.imul(r9, r9, 0x1234567);
            r.mov(__qword_ptr[r8], r9);
            r.mov(edi, Data);
            r.add(rsi, __qword_ptr[rdi]);
            r.movq(xmm1, rsi);
            r.paddd(xmm0, xmm1);
            r.movq(__qword_ptr[r8 + 16], xmm0);
            r.push(rsi);
            r.pop(r10);
            r.invlpg(__[rdi]);
            r.mov(rax, cr3);
            r.mov(cr3, rax);
            r.Work(400);
        });
        Finish(c);
    }
}
