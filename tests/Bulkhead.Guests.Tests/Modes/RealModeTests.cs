using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Modes;

public sealed class RealModeTests
{
    private const ushort Trace = 0x600;

    [Theory]
    [EngineSettings]
    public void Code16_AddressesWrapAndSegmentsCount(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(0x1_2340, 0xDEAD_BEEF);
        guest.Write(0x3100, 0xFEED_F00D);
        guest.Place(16, 0x9100, a =>
        {
            a.mov(bp, sp);
            a.mov(eax, __dword_ptr[bp]);
            a.mov(__dword_ptr[Trace + 0x20], eax);
            a.retf();
        });
        guest.Real(a =>
        {
            Label over = a.CreateLabel(), loop = a.CreateLabel();
            a.mov(ax, 0x1230);
            a.mov(ds, eax);
            a.mov(ax, 0x2000);
            a.mov(es, eax);
            a.mov(bx, 0xFFF0);
            a.mov(si, 0x50);
            a.mov(eax, __dword_ptr[bx + si]); // 1230:0040, the offset wraps at 64 KiB
            a.mov(__dword_ptr.es[0x10], eax);
            a.xor(cx, cx);
            a.mov(ds, ecx);

            // SP wraps from 0 to FFFE and leaves the upper half of ESP alone.
            a.mov(esp, 0x1234_0000);
            a.push(ax);
            a.mov(__dword_ptr[Trace], esp);
            a.pop(bx);
            a.mov(__dword_ptr[Trace + 8], esp);
            a.mov(esp, 0x7000);

            // LOOP counts CX only; JCXZ looks at CX only.
            a.mov(ecx, 0x5_0003);
            a.xor(dx, dx);
            a.Label(ref loop);
            a.inc(dx);
            a.loop(loop);
            a.mov(__dword_ptr[Trace + 0x10], ecx);
            a.mov(__word_ptr[Trace + 0x18], dx);
            a.jcxz(over);
            a.hlt();
            a.Label(ref over);

            a.call(0x0900, 0x100);
            guest.Mark("far return");
            a.mov(__word_ptr[Trace + 0x28], sp);

            // 32-bit addressing.
            a.mov(ecx, 0x1000);
            a.mov(eax, __dword_ptr[ecx + (ecx * 2) + 0x100]);
            a.mov(__dword_ptr[Trace + 0x30], eax);

            // A string between segments, downwards.
            a.mov(ax, 0x1230);
            a.mov(ds, eax);
            a.mov(si, 0x43);
            a.mov(di, 0x23);
            a.mov(cx, 4);
            a.std();
            a.rep.movsb();
            a.cld();
            guest.Exit();
        });

        Assert.Equal(0xDEAD_BEEFul, guest.Read(0x2_0010) & uint.MaxValue);
        Assert.Equal(0xDEAD_BEEFul, guest.Read(0x2_0020) & uint.MaxValue);
        Assert.Equal(0xBEEFul, guest.Read(0xFFFE) & 0xFFFF);
        Assert.Equal(0x1234_FFFEul, guest.Read(Trace));
        Assert.Equal(0x1234_0000ul, guest.Read(Trace + 8));
        Assert.Equal(0x5_0000ul, guest.Read(Trace + 0x10));
        Assert.Equal(3ul, guest.Read(Trace + 0x18));
        Assert.Equal(guest.At("far return"), guest.Read(Trace + 0x20));
        Assert.Equal(0x7000ul, guest.Read(Trace + 0x28));
        Assert.Equal(0xFEED_F00Dul, guest.Read(Trace + 0x30));
    }

    [Theory]
    [EngineSettings]
    public void Faults_InRealMode_GoThroughTheVectorTable(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(4 * 0, 0x9000);
        guest.Write(4 * 6, 0x9000); // and #BR before it keeps zero
        guest.Place(16, 0x9000, a =>
        {
            a.mov(bp, sp);
            a.mov(bx, __word_ptr[Trace]);
            a.mov(eax, __dword_ptr[bp]);
            a.mov(__dword_ptr[bx], eax);
            a.mov(ax, __word_ptr[bp + 4]);
            a.mov(__word_ptr[bx + 4], ax);
            a.mov(__word_ptr[bx + 6], sp);
            a.add(__word_ptr[Trace], 8);
            a.add(__word_ptr[bp], 2);
            a.iret();
        });
        guest.Real(a =>
        {
            a.mov(__word_ptr[Trace], Trace + 8);
            a.xor(cx, cx);
            a.sti();
            guest.Mark("div");
            a.div(cx);
            guest.Mark("ud");
            a.ud2();
            guest.Exit();
        });

        Assert.Equal(guest.At("div"), guest.Read(Trace + 8) & uint.MaxValue);
        Assert.Equal(0x200ul, (guest.Read(Trace + 8) >> 32) & 0x300);
        Assert.Equal(0x6FFAul, guest.Read(Trace + 8) >> 48);
        Assert.Equal(guest.At("ud"), guest.Read(Trace + 16) & uint.MaxValue);
        Assert.Equal((ulong)Trace + 24, guest.Read(Trace) & 0xFFFF);
    }

    [Theory]
    [EngineSettings]
    public void TrapFlag_InRealMode_StepsOneInstruction(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(4 * 1, 0x9000);
        guest.Place(16, 0x9000, a =>
        {
            a.push(bp);
            a.mov(bp, sp);
            a.push(bx);
            a.push(ax);
            a.mov(bx, __word_ptr[Trace]);
            a.mov(ax, __word_ptr[bp + 2]);
            a.mov(__word_ptr[bx], ax);
            a.add(__word_ptr[Trace], 2);
            a.pop(ax);
            a.pop(bx);
            a.pop(bp);
            a.iret();
        });
        guest.Real(a =>
        {
            a.mov(__word_ptr[Trace], Trace + 2);
            a.pushf();
            a.mov(bp, sp);
            a.or(__word_ptr[bp], 0x100);
            a.popf();
            a.nop();
            guest.Mark("after nop");
            a.inc(ax);
            guest.Mark("after inc");
            a.pushf();
            guest.Mark("after pushf");
            a.and(__word_ptr[bp], unchecked((short)0xFEFF));
            guest.Mark("after and");
            a.popf();
            guest.Mark("after popf");
            guest.Exit();
        });

        ulong[] steps = [.. Enumerable.Range(1, 5).Select(i => guest.Read(Trace + (2 * (ulong)i)) & 0xFFFF)];
        string[] marks = ["after nop", "after inc", "after pushf", "after and", "after popf"];
        Assert.Equal(marks.Select(guest.At), steps);
        Assert.Equal((ulong)Trace + 12, guest.Read(Trace) & 0xFFFF);
    }

    [Theory]
    [EngineSettings]
    public void Frames_AcrossTheEndOfTheStackSegment_Wrap(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(4 * 0x60, 0x9000);
        guest.Place(16, 0x9000, a =>
        {
            a.mov(__word_ptr[Trace], sp);
            a.iret();
        });
        guest.Place(16, 0x9100, a =>
        {
            a.mov(__word_ptr[Trace + 8], sp);
            a.retf();
        });
        guest.Real(a =>
        {
            a.mov(ax, 0x3000);
            a.mov(ss, eax);
            a.mov(sp, 4);
            a.@int(0x60);
            guest.Mark("after int");
            a.mov(__word_ptr[Trace + 0x10], sp);
            a.mov(sp, 2);
            a.call(0x0900, 0x100);
            a.mov(__word_ptr[Trace + 0x18], sp);
            guest.Exit();
        });

        Assert.Equal(
            (0xFFFEul, 0xFFFEul, 4ul, 2ul),
            (Word(guest, Trace), Word(guest, Trace + 8), Word(guest, Trace + 0x10), Word(guest, Trace + 0x18)));
    }

    [Theory]
    [EngineSettings]
    public void Iret_OfAWordAcrossTheEndOfTheStackSegment_IsAStackFault(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(4 * 12, 0x9000);
        guest.Place(16, 0x9000, a =>
        {
            a.mov(sp, 0x7000);
            a.inc(__word_ptr[Trace]);
            guest.Exit();
        });
        guest.Real(a =>
        {
            a.mov(ax, 0x3000);
            a.mov(ss, eax);
            a.mov(sp, 0xFFFF);
            a.iret();
        });

        Assert.Equal(1ul, Word(guest, Trace));
    }

    [Theory]
    [EngineSettings]
    public void X87Error_WithoutNe_IsInterrupt13BeforeTheNextThatWaits(string engine)
    {
        using Guest guest = new(engine);
        guest.Write32(4 * 16, 0x9000);
        guest.Place(16, 0x9000, a =>
        {
            a.inc(__word_ptr[Trace]);
            guest.Exit();
        });
        guest.Write32(4 * 0x75, 0x9100);
        guest.Place(16, 0x9100, a =>
        {
            a.inc(__word_ptr[Trace + 8]);
            a.mov(bp, sp);
            a.mov(bx, __word_ptr[bp]);
            a.mov(__word_ptr[Trace + 0x10], bx);
            a.xor(al, al);
            a.@out(0xF0, al);
            a.fnclex();
            a.mov(al, 0x20);
            a.@out(0xA0, al);
            a.@out(0x20, al);
            a.iret();
        });
        guest.Real(a =>
        {
            void Out(byte port, params byte[] values)
            {
                foreach (byte value in values)
                {
                    a.mov(al, (sbyte)value);
                    a.@out(port, al);
                }
            }

            Out(0x20, 0x11);
            Out(0x21, 0x08, 4, 1, 0xFB);
            Out(0xA0, 0x11);
            Out(0xA1, 0x70, 2, 1, 0xDF);
            a.fninit();
            a.mov(__word_ptr[Trace + 0x18], 0x37B); // a division by zero is not masked
            a.fldcw(__word_ptr[Trace + 0x18]);
            a.sti();
            for (int i = 0; i < 2; i++)
            {
                a.fld1();
                a.fldz();
                a.fdivp(st1, st0);
                a.nop();
                guest.Mark($"wait {i}");
                a.wait();
                a.fstp(st0);
            }

            guest.Exit();
        });

        Assert.Equal((0ul, 2ul, guest.At("wait 1")), (Word(guest, Trace), Word(guest, Trace + 8), Word(guest, Trace + 0x10)));
    }

    private static ulong Word(Guest guest, ulong address) => guest.Read(address) & 0xFFFF;
}
