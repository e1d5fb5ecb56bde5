using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Harness;

/// <summary>The code of the default handlers: each writes a <see cref="GuestEvent"/>, then goes on at the fixup, if there is one.</summary>
internal static class Handlers
{
    /// <summary>Status of a guest that took a fault for which the test set no fixup.</summary>
    public const int Unexpected = 0xBAD;

    private const int Frame = 15 * 8;

    /// <summary>Whether the processor pushes an error code.</summary>
    public static bool HasErrorCode(int vector) => vector is 8 or (>= 10 and <= 14) or 17 or 21 or 29 or 30;

    /// <summary>One 16-byte stub a vector.</summary>
    public static void Stub(Assembler a, int vector, ulong handler)
    {
        if (!HasErrorCode(vector))
        {
            a.push(0);
        }

        a.push(vector);
        a.jmp(handler);
    }

    /// <summary>What all 64-bit stubs share.</summary>
    public static void Long(Assembler a)
    {
        Label next = a.CreateLabel(), fault = a.CreateLabel(), search = a.CreateLabel(), lost = a.CreateLabel(), done = a.CreateLabel();
        AssemblerRegister64[] saved = [r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax];
        foreach (AssemblerRegister64 r in saved)
        {
            a.push(r);
        }

        a.cld();
        a.mov(rbx, rsp);
        a.mov(eax, 1);
        a.@lock.xadd(__dword_ptr[Layout.EventCount], eax);
        a.cmp(eax, Layout.MostEvents);
        a.jae(lost);
        a.shl(eax, 8);
        a.lea(rdi, __[rax + (int)Layout.Events]);
        a.mov(rsi, rsp);
        a.mov(ecx, saved.Length + 7);
        a.rep.movsq();
        a.mov(rax, cr2);
        a.stosq();
        a.str(eax);
        a.stosq();

        // Traps and interrupts return; faults look for a fixup.
        a.mov(rax, __[rbx + Frame]);
        a.cmp(eax, 32);
        a.jb(fault);
        a.mov(ecx, (uint)Layout.LocalApic + 0xB0);
        a.mov(__dword_ptr[rcx], 0);
        a.jmp(done);
        a.Label(ref fault);
        a.lea(ecx, __[rax - 1]);
        a.cmp(ecx, 3);
        a.jbe(done);
        a.mov(rdx, __[rbx + Frame + 16]);
        a.mov(esi, (int)Layout.Fixups);
        a.Label(ref search);
        a.mov(rcx, __[rsi]);
        a.cmp(rcx, -1);
        a.je(lost);
        a.cmp(rdx, rcx);
        a.jb(next);
        a.cmp(rdx, __[rsi + 8]);
        a.jae(next);
        a.mov(rax, __[rsi + 16]);
        a.mov(__[rbx + Frame + 16], rax);
        a.Label(ref done);
        foreach (AssemblerRegister64 r in saved.Reverse())
        {
            a.pop(r);
        }

        a.add(rsp, 16);
        a.iretq();
        a.Label(ref next);
        a.add(esi, 24);
        a.jmp(search);
        a.Label(ref lost);
        a.mov(eax, Unexpected);
        a.@out(0xF4, eax);
        a.hlt();
    }

    /// <summary>What all 32-bit stubs share; SS and ESP are there only for events of outer levels.</summary>
    public static void Protected(Assembler a)
    {
        const int frame = 8 * 4;
        Label next = a.CreateLabel(), search = a.CreateLabel(), lost = a.CreateLabel(), done = a.CreateLabel(), same = a.CreateLabel();
        a.pushad();
        a.mov(ebx, esp);
        a.mov(ecx, 1);
        a.@lock.xadd(__dword_ptr[Layout.EventCount], ecx);
        a.shl(ecx, 8);
        a.lea(edi, __[ecx + (int)Layout.Events]);

        // PUSHAD's order: EDI, ESI, EBP, ESP, EBX, EDX, ECX, EAX.
        int[] from = [28, 24, 20, 16, 8, 4, 0];
        for (int i = 0; i < from.Length; i++)
        {
            a.mov(eax, __dword_ptr[ebx + from[i]]);
            a.mov(__dword_ptr[edi + (8 * i)], eax);
        }

        for (int i = 0; i < 5; i++)
        {
            a.mov(eax, __dword_ptr[ebx + frame + (4 * i)]);
            a.mov(__dword_ptr[edi + (8 * (15 + i))], eax);
        }

        a.test(__byte_ptr[ebx + frame + 12], 3);
        a.je(same);
        a.mov(eax, __dword_ptr[ebx + frame + 20]);
        a.mov(__dword_ptr[edi + (8 * 20)], eax);
        a.mov(eax, __dword_ptr[ebx + frame + 24]);
        a.mov(__dword_ptr[edi + (8 * 21)], eax);
        a.Label(ref same);
        a.mov(eax, cr2);
        a.mov(__dword_ptr[edi + (8 * 22)], eax);
        a.str(eax);
        a.mov(__dword_ptr[edi + (8 * 23)], eax);
        a.mov(eax, __dword_ptr[ebx + frame]);
        a.cmp(eax, 32);
        a.jae(done);
        a.lea(ecx, __[eax - 1]);
        a.cmp(ecx, 3);
        a.jbe(done);
        a.mov(edx, __dword_ptr[ebx + frame + 8]);
        a.mov(esi, (int)Layout.Fixups);
        a.Label(ref search);
        a.mov(ecx, __dword_ptr[esi]);
        a.cmp(ecx, -1);
        a.je(lost);
        a.cmp(edx, ecx);
        a.jb(next);
        a.cmp(edx, __dword_ptr[esi + 8]);
        a.jae(next);
        a.mov(eax, __dword_ptr[esi + 16]);
        a.mov(__dword_ptr[ebx + frame + 8], eax);
        a.Label(ref done);
        a.popad();
        a.add(esp, 8);
        a.iretd();
        a.Label(ref next);
        a.add(esi, 24);
        a.jmp(search);
        a.Label(ref lost);
        a.mov(eax, Unexpected);
        a.@out(0xF4, eax);
        a.hlt();
    }
}
