using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Modes;

public sealed class ModeSwitchTests
{
    private const ulong Trace = 0x600;
    private const ulong TableRegisters = 0x500;
    private const uint EferMsr = 0xC000_0080;

    [Theory]
    [EngineSettings]
    public void Switches_RealToLongToCompatibilityAndBack_ExecuteEachWidth(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(TableRegisters, 0xFFF | (Layout.Gdt << 16));
        guest.Write(TableRegisters + 8, 0x3FF); // the real-mode IDT

        // The same bytes in every mode: B8 imm16/32, then 48 (DEC EAX, or a REX prefix) before 90 (NOP).
        void Width(Assembler a, int step)
        {
            a.db(0x48, 0x90);
            if (a.Bitness == 16)
            {
                a.mov(__dword_ptr[(ushort)(Trace + (8 * (ulong)step))], eax);
            }
            else
            {
                a.mov(__dword_ptr[Trace + (8 * (ulong)step)], eax);
            }
        }

        guest.Place(32, Layout.Code32, a =>
        {
            foreach (AssemblerRegisterSegment s in new[] { ds, es, ss })
            {
                a.mov(eax, Layout.KernelDs);
                a.mov(s, eax);
            }

            a.mov(esp, (int)Layout.StackOf(0));
            a.mov(eax, 0x2_0001);
            Width(a, 1);
            a.mov(eax, cr4);
            a.or(eax, (int)Cr4.PAE);
            a.mov(cr4, eax);
            a.mov(eax, (int)guest.Pages.Root);
            a.mov(cr3, eax);
            a.mov(ecx, EferMsr);
            a.rdmsr();
            a.or(eax, (int)Efer.LME);
            a.wrmsr();
            a.mov(eax, cr0);
            a.or(eax, unchecked((int)(uint)Cr0.PG));
            a.mov(cr0, eax);
            a.mov(eax, 0x3_0001);
            Width(a, 2); // compatibility mode already
            a.rdmsr();
            a.mov(__dword_ptr[Trace + 0x80], eax);
            a.jmp(Layout.KernelCs, (uint)Layout.Code);
        });
        guest.Place(64, Layout.Code, a =>
        {
            a.mov(rax, 0x1234_5678_0004_0001L);
            Width(a, 3);
            a.mov(r15, 0x1111_2222_3333_4444L);
            a.mov(__qword_ptr[Trace + 0x88], r15);
            a.push(Layout.Code32Cs);
            a.push((int)Layout.Code32 + 0x1000);
            a.db(0x48, 0xCB); // RETF with 64-bit operands
        });
        guest.Place(32, Layout.Code32 + 0x1000, a =>
        {
            a.mov(eax, 0x5_0001);
            Width(a, 4);
            a.jmp(Layout.KernelCs, (uint)Layout.Code + 0x1000);
        });
        guest.Place(64, Layout.Code + 0x1000, a =>
        {
            a.mov(eax, 0x6_0001);
            Width(a, 5);
            a.mov(__qword_ptr[Trace + 0x90], r15);
            a.push(Layout.Code32Cs);
            a.push((int)Layout.Code32 + 0x2000);
            a.db(0x48, 0xCB); // RETF with 64-bit operands
        });
        guest.Place(32, Layout.Code32 + 0x2000, a =>
        {
            a.mov(eax, cr0);
            a.and(eax, (int)(Cr0.PG - 1));
            a.mov(cr0, eax);
            a.mov(ecx, EferMsr);
            a.rdmsr();
            a.mov(__dword_ptr[Trace + 0x98], eax);
            a.and(eax, ~(int)Efer.LME);
            a.wrmsr();
            a.mov(eax, 0x7_0001);
            Width(a, 6);
            a.jmp(Layout.Code16Cs, (uint)Layout.RealCode + 0x400);
        });
        guest.Place(16, Layout.RealCode + 0x400, a =>
        {
            a.mov(eax, Layout.Data16Ds);
            a.mov(ds, eax);
            a.mov(es, eax);
            a.mov(ss, eax);
            a.mov(eax, 0x8_0001);
            Width(a, 7); // 16-bit protected mode
            a.lidt(__[(ushort)TableRegisters + 8]);
            a.mov(eax, cr0);
            a.and(al, 0xFE);
            a.mov(cr0, eax);
            a.jmp(0, (uint)Layout.RealCode + 0x600);
        });
        guest.Place(16, Layout.RealCode + 0x600, a =>
        {
            a.xor(ax, ax);
            a.mov(ds, eax);
            a.mov(ss, eax);
            a.mov(sp, 0x7000);
            a.mov(eax, 0x9_0001);
            Width(a, 8);
            a.mov(__word_ptr[4 * 0x40], (short)(Layout.RealCode + 0x700));
            a.mov(__word_ptr[(4 * 0x40) + 2], 0);
            a.sti();
            a.stc();
            a.@int(0x40);
            guest.Mark("after int");
            a.pushf();
            a.pop(__word_ptr[(ushort)Trace + 0xB0]);
            guest.Exit();
        });
        guest.Place(16, Layout.RealCode + 0x700, a =>
        {
            a.mov(bp, sp);
            for (int i = 0; i < 3; i++)
            {
                a.mov(ax, __word_ptr[bp + (2 * i)]);
                a.mov(__word_ptr[(ushort)Trace + 0xA0 + (2 * i)], ax);
            }

            a.pushf();
            a.pop(__word_ptr[(ushort)Trace + 0xA6]);
            a.iret();
        });
        guest.Real(a =>
        {
            a.mov(eax, 0x1_0001);
            Width(a, 0);
            a.lgdt(__[(ushort)TableRegisters]);
            a.mov(eax, cr0);
            a.or(al, 1);
            a.mov(cr0, eax);
            a.db(0x66, 0xEA);
            a.dd((uint)Layout.Code32);
            a.dw(Layout.Code32Cs);
        });

        // DEC AX in 16-bit code, DEC EAX in 32-bit code, nothing in 64-bit code.
        uint[] seen = [.. Enumerable.Range(0, 9).Select(i => (uint)guest.Read(Trace + (8 * (ulong)i)))];
        Assert.Equal([0x1_0000u, 0x2_0000, 0x3_0000, 0x4_0001, 0x5_0000, 0x6_0001, 0x7_0000, 0x8_0000, 0x9_0000], seen);
        Assert.Equal((uint)(Efer.LME | Efer.Lma), (uint)guest.Read(Trace + 0x80));
        Assert.Equal(0x1111_2222_3333_4444ul, guest.Read(Trace + 0x88));
        Assert.Equal(0x1111_2222_3333_4444ul, guest.Read(Trace + 0x90)); // R15 lives through compatibility mode
        Assert.Equal((uint)Efer.LME, (uint)guest.Read(Trace + 0x98));

        ulong frame = guest.Read(Trace + 0xA0);
        Assert.Equal(guest.At("after int"), frame & 0xFFFF);
        Assert.Equal(0ul, (frame >> 16) & 0xFFFF);
        Assert.Equal(0x203ul, (frame >> 32) & 0x203);
        Assert.Equal(0x003ul, (frame >> 48) & 0x303); // the handler runs with IF and TF clear
        Assert.Equal(0x203ul, guest.Read(Trace + 0xB0) & 0x203);
    }
}
