using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

/// <summary>#GP of privilege and of reserved bits.</summary>
public sealed class PrivilegeTests
{
    [Theory]
    [EngineSettings]
    public void PrivilegedInstructions_InUserCode_AreGp(string engine)
    {
        using Guest guest = new(engine);
        (string Name, Action<Assembler> Code)[] privileged =
        [
            ("hlt", a => a.hlt()),
            ("cli", a => a.cli()),
            ("sti", a => a.sti()),
            ("in", a => a.@in(al, 0x80)),
            ("out", a => a.@out(dx, eax)),
            ("insb", a => a.insb()),
            ("rep outsb", a => a.rep.outsb()),
            ("mov cr", a => a.mov(rax, cr0)),
            ("mov to cr", a => a.mov(cr3, rax)),
            ("mov cr8", a => a.mov(rax, cr8)),
            ("mov dr", a => a.mov(rax, dr7)),
            ("clts", a => a.clts()),
            ("lmsw", a => a.lmsw(ax)),
            ("lgdt", a => a.lgdt(__[rsp])),
            ("lidt", a => a.lidt(__[rsp])),
            ("lldt", a => a.lldt(ax)),
            ("ltr", a => a.ltr(ax)),
            ("rdmsr", a => a.rdmsr()),
            ("wrmsr", a => a.wrmsr()),
            ("invlpg", a => a.invlpg(__[rsp])),
            ("invpcid", a => a.invpcid(rax, __[rsp])),
            ("wbinvd", a => a.wbinvd()),
            ("invd", a => a.invd()),
            ("swapgs", a => a.swapgs()),
            ("sysret", Guest.Sysret),
            ("rdpmc", a => a.rdpmc()),
            ("xsetbv", a => a.xsetbv()),
        ];
        guest.Long(a =>
        {
            guest.ToUser();
            foreach ((string name, Action<Assembler> code) in privileged)
            {
                guest.Catch(name, () => code(a));
            }

            // Without UMIP these pass.
            a.sgdt(__[rsp - 32]);
            a.smsw(eax);
            a.str(eax);
            guest.UserExit();
        });

        guest.Expect([.. privileged.Select(p => (13, 0ul, p.Name))]);
        Assert.All(guest.Events, e => Assert.Equal((Layout.UserCs, Layout.UserDs), (e.Cs, e.Ss)));
    }

    [Theory]
    [EngineSettings]
    public void Umip_InUserCode_ForbidsWhatShowsTheTables(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(rax, cr4);
            a.or(rax, (int)Cr4.UMIP);
            a.mov(cr4, rax);
            a.sgdt(__[rsp - 32]);
            guest.ToUser();
            guest.Catch("sgdt", () => a.sgdt(__[rsp - 32]));
            guest.Catch("sidt", () => a.sidt(__[rsp - 32]));
            guest.Catch("sldt", () => a.sldt(eax));
            guest.Catch("smsw", () => a.smsw(eax));
            guest.Catch("str", () => a.str(eax));
            guest.UserExit();
        });

        guest.Expect((13, 0, "sgdt"), (13, 0, "sidt"), (13, 0, "sldt"), (13, 0, "smsw"), (13, 0, "str"));
    }

    [Theory]
    [EngineSettings]
    public void IoPermissionBitmap_OfTheTss_DecidesBelowIopl(string engine)
    {
        using Guest guest = new(engine);
        // The bit map begins at 0x68 of a TSS with a longer limit: ports 0-7 closed but 1, then 8-15 open.
        guest.Descriptor(Layout.OwnSelector, 0x0000_8900_0000_0000 | (Layout.Tss << 16) | 0x6A);
        guest.Write(Layout.Tss + 0x60, 0x0068_0000_0000_0000);
        guest.Write(Layout.Tss + 0x68, 0xFFFF_FFFF_FFFF_00FD);
        guest.Long(a =>
        {
            a.mov(eax, Layout.OwnSelector);
            a.ltr(ax);
            guest.ToUser();
            guest.Catch("closed", () => a.@in(al, 0));
            a.@in(al, 1);
            guest.Catch("half", () => a.@in(ax, 1));
            a.@in(eax, 8);
            guest.Catch("beyond", () => a.@in(al, 0x18));
            guest.UserExit();
        });

        guest.Expect((13, 0, "closed"), (13, 0, "half"), (13, 0, "beyond"));
    }

    [Theory]
    [EngineSettings]
    public void ReservedBits_OfControlRegistersAndMsrs_AreGp(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            void Cr(string name, AssemblerRegisterCR register, ulong or, ulong andNot = 0)
            {
                a.mov(rax, register);
                a.mov(rcx, or);
                a.or(rax, rcx);
                a.mov(rcx, ~andNot);
                a.and(rax, rcx);
                guest.Catch(name, () => a.mov(register, rax));
            }

            void Msr(string name, uint msr, ulong value)
            {
                a.mov(ecx, msr);
                a.mov(eax, (uint)value);
                a.mov(edx, (uint)(value >> 32));
                guest.Catch(name, () => a.wrmsr());
            }

            Cr("cr0 high", cr0, 1ul << 32);
            Cr("cr0 pg without pe", cr0, 0, Cr0.PE);
            Cr("cr0 nw without cd", cr0, Cr0.NW);
            Cr("cr0 pg off in 64-bit code", cr0, 0, Cr0.PG);
            Cr("cr3 high", cr3, 1ul << 52);
            Cr("cr4 reserved", cr4, 1ul << 31);
            Cr("cr4 la57", cr4, Cr4.LA57);
            Cr("cr4 vmxe", cr4, Cr4.VMXE);
            Cr("cr4 pae off", cr4, 0, Cr4.PAE);
            Cr("cr8", cr8, 16);
            a.mov(rax, 1ul << 32);
            guest.Catch("dr7", () => a.mov(dr7, rax));
            guest.Catch("dr6", () => a.mov(dr6, rax));
            Msr("efer reserved", 0xC000_0080, 0xD01 | (1ul << 9));
            Msr("efer lme off", 0xC000_0080, 0x801);
            Msr("lstar", 0xC000_0082, 0x8000_0000_0000);
            Msr("fs base", 0xC000_0100, 0x8000_0000_0000);
            Msr("pat", 0x277, 2);
            Msr("unknown", 0x1234_5678, 0);
            a.mov(ecx, 0x1234_5678);
            guest.Catch("rdmsr unknown", () => a.rdmsr());
            a.xor(ecx, ecx);
            a.xor(edx, edx);
            a.mov(eax, 6);
            guest.Catch("xcr0 without x87", () => a.xsetbv());
            a.mov(eax, 5);
            guest.Catch("xcr0 avx without sse", () => a.xsetbv());
            a.mov(rax, 0x8000_0000_0000);
            guest.Catch("wrfsbase", () => a.wrfsbase(rax));
            a.mov(eax, 4);
            guest.Catch("invpcid type", () => a.invpcid(rax, __[Layout.Data]));
            a.mov(__qword_ptr[Layout.Data], 0x1000);
            a.xor(eax, eax);
            guest.Catch("invpcid pcid", () => a.invpcid(rax, __[Layout.Data]));
            a.mov(__dword_ptr[Layout.Data], 0x1_0000);
            guest.Catch("ldmxcsr", () => a.ldmxcsr(__[Layout.Data]));
            a.mov(rax, cr4);
            a.mov(__[Layout.Data + 8], rax);
            guest.Exit();
        });

        guest.Expect([.. guest.Marks.Select(m => (13, 0ul, m))]);
        Assert.Equal(Cr4.PAE | Cr4.PGE | Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.OSXSAVE | Cr4.FSGSBASE, guest.Read(Layout.Data + 8));
    }
}
