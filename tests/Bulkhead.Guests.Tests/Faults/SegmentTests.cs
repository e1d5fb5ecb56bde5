using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

/// <summary>#NP, #SS, #TS and #GP of segments, gates and far transfers, with the selector in the error code.</summary>
public sealed class SegmentTests
{
    private const ushort AbsentData = Layout.OwnSelector, AbsentCode = AbsentData + 8, UserOnlyData = AbsentData + 16, ReadOnlyData = AbsentData + 24,
        AbsentTss = AbsentData + 32, BusyTss = AbsentData + 48, NotATss = AbsentData + 64, ExecuteOnly = AbsentData + 80;

    [Theory]
    [EngineSettings]
    public void Loads_OfWrongDescriptors_NameTheSelector(string engine)
    {
        using Guest guest = new(engine);
        Describe(guest);
        guest.Long(a =>
        {
            void Load(string name, AssemblerRegisterSegment segment, int selector)
            {
                a.mov(eax, selector);
                guest.Catch(name, () => a.mov(segment, eax));
            }

            Load("ds absent", ds, AbsentData);
            Load("ss absent", ss, AbsentData);
            Load("es beyond the limit", es, 0x1008);
            Load("fs in no LDT", fs, 0x0C);
            Load("ss null rpl 3", ss, 3);
            Load("ss user", ss, UserOnlyData);
            Load("ss read-only", ss, ReadOnlyData);
            Load("ss rpl", ss, Layout.KernelDs | 1);
            Load("ds tss", ds, Layout.TssSelector);
            Load("ds execute-only", ds, ExecuteOnly);
            Load("gs rpl", gs, Layout.KernelDs | 3);
            a.xor(eax, eax);
            a.mov(ds, eax);
            a.mov(es, eax);
            a.mov(ss, eax); // CPL 0 in 64-bit mode may
            a.mov(eax, Layout.KernelDs);
            a.mov(ss, eax);
            a.mov(eax, AbsentTss);
            guest.Catch("ltr absent", () => a.ltr(ax));
            a.mov(eax, BusyTss);
            guest.Catch("ltr busy", () => a.ltr(ax));
            a.mov(eax, NotATss);
            guest.Catch("ltr data", () => a.ltr(ax));
            a.xor(eax, eax);
            guest.Catch("ltr null", () => a.ltr(ax));
            a.mov(eax, Layout.KernelDs);
            guest.Catch("lldt data", () => a.lldt(ax));
            a.xor(eax, eax);
            a.lldt(ax);
            guest.Exit();
        });

        guest.Expect(
            (11, AbsentData, "ds absent"), (12, AbsentData, "ss absent"), (13, 0x1008, "es beyond the limit"), (13, 0x0C, "fs in no LDT"),
            (13, 0, "ss null rpl 3"), (13, UserOnlyData, "ss user"), (13, ReadOnlyData, "ss read-only"), (13, Layout.KernelDs, "ss rpl"),
            (13, Layout.TssSelector, "ds tss"), (13, ExecuteOnly, "ds execute-only"), (13, Layout.KernelDs, "gs rpl"),
            (11, AbsentTss, "ltr absent"), (13, BusyTss, "ltr busy"), (13, NotATss, "ltr data"), (13, 0, "ltr null"), (13, Layout.KernelDs, "lldt data"));
    }

    [Theory]
    [EngineSettings]
    public void Stores_OfEachWidth_ChangeTheRestOfTheRegisterAsManualsSay(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            int at = 0;
            void Store(AssemblerRegister64 whole, Action store)
            {
                a.mov(whole, 0x1122_3344_5566_7788L);
                store();
                a.mov(__qword_ptr[Layout.Data + (ulong)(8 * at++)], whole);
            }

            a.mov(ecx, Layout.KernelDs);
            a.mov(fs, ecx);
            Store(rax, () => a.mov(ax, fs));
            Store(rcx, () => a.mov(cx, fs));
            Store(r9, () => a.mov(r9w, fs));
            Store(r11, () => a.mov(r11w, fs));
            Store(rbp, () => a.mov(ebp, fs));
            Store(r14, () => a.mov(r14, fs));
            a.mov(rax, 0x1122_3344_5566_7788L);
            a.mov(__qword_ptr[Layout.Data + 48], rax);
            a.mov(__word_ptr[Layout.Data + 48], fs);
            guest.Exit();
        });

        const ulong merged = 0x1122_3344_5566_0000 | Layout.KernelDs;
        Assert.Equal(
            [merged, merged, merged, merged, Layout.KernelDs, Layout.KernelDs, merged],
            Enumerable.Range(0, 7).Select(n => guest.Read(Layout.Data + (ulong)(8 * n))));
    }

    [Theory]
    [EngineSettings]
    public void FarTransfers_ToWrongTargets_LeaveTheStackAlone(string engine)
    {
        using Guest guest = new(engine);
        Describe(guest);
        guest.Long(a =>
        {
            void Retf(string name, ulong selector, ulong target)
            {
                a.mov(rax, selector);
                a.push(rax);
                a.mov(rax, target);
                a.push(rax);
                guest.Catch(name, () => a.db(0x48, 0xCB));
                a.add(rsp, 16);
            }

            void Iret(string name, ulong selector, ulong target, ulong stack)
            {
                a.mov(rax, stack);
                a.push(rax);
                a.push(0x1000);
                a.push(2);
                a.mov(rax, selector);
                a.push(rax);
                a.mov(rax, target);
                a.push(rax);
                guest.Catch(name, () => a.iretq());
                a.add(rsp, 40);
            }

            Retf("retf absent", AbsentCode, Layout.Code);
            Retf("retf null", 0, Layout.Code);
            Retf("retf data", Layout.KernelDs, Layout.Code);
            Retf("retf target", Layout.KernelCs, 0x8000_0000_0000);
            Retf("retf beyond", 0x2000, Layout.Code);
            Iret("iret absent", AbsentCode, Layout.Code, Layout.KernelDs);
            Iret("iret null ss at 3", Layout.UserCs, Layout.Code, 3);
            Iret("iret ss", Layout.UserCs, Layout.Code, Layout.KernelDs);
            Iret("iret ss absent", Layout.KernelCs, Layout.Code, AbsentData);
            Iret("iret target", Layout.KernelCs, 0x8000_0000_0000, Layout.KernelDs);
            Iret("iret rpl", Layout.KernelCs | 3, Layout.Code, Layout.UserDs);
            a.mov(__dword_ptr[Layout.Data], (int)Layout.Code);
            a.mov(__dword_ptr[Layout.Data + 4], AbsentCode);
            guest.Catch("jmp far", () => a.db(0xFF, 0x2C, 0x25, 0, 0, 0x60, 0));
            guest.Catch("call far", () => a.db(0xFF, 0x1C, 0x25, 0, 0, 0x60, 0));
            a.pushfq();
            a.or(__dword_ptr[rsp], 0x4000);
            a.popfq();
            guest.Catch("iret nt", () => a.iretq());
            guest.Exit();
        });

        guest.Expect(
            (11, AbsentCode, "retf absent"), (13, 0, "retf null"), (13, Layout.KernelDs, "retf data"), (13, 0, "retf target"), (13, 0x2000, "retf beyond"),
            (11, AbsentCode, "iret absent"), (13, 0, "iret null ss at 3"), (13, Layout.KernelDs, "iret ss"), (12, AbsentData, "iret ss absent"),
            (13, 0, "iret target"), (13, Layout.KernelCs, "iret rpl"), (11, AbsentCode, "jmp far"), (11, AbsentCode, "call far"), (13, 0, "iret nt"));
        Assert.All(guest.Events.Take(5), e => Assert.Equal(Layout.StackOf(0) - 16, e.Rsp));
        Assert.All(guest.Events.Skip(5).Take(6), e => Assert.Equal(Layout.StackOf(0) - 40, e.Rsp));
        Assert.All(guest.Events.Skip(11), e => Assert.Equal(Layout.StackOf(0), e.Rsp));
    }

    [Theory]
    [EngineSettings]
    public void Gates_Wrong_GiveTheirNumberAndTheExtBit(string engine)
    {
        using Guest guest = new(engine);
        Describe(guest);
        ulong stub = Layout.Stubs;
        guest.Gate(0x40, stub, present: false);
        guest.Gate(0x41, stub, selector: 0);
        guest.Gate(0x42, stub, selector: Layout.KernelDs);
        guest.Gate(0x43, stub, selector: AbsentCode);
        guest.Gate(0x44, stub, selector: Layout.Code32Cs);
        guest.Gate(0x45, stub);
        guest.Write(Layout.Idt + (0x45 * 16), guest.Read(Layout.Idt + (0x45 * 16)) & ~(0xFul << 40)); // type 0
        guest.Gate(3, stub, present: false, dpl: 3);
        guest.Gate(6, stub, present: false);
        guest.Gate(7, stub, selector: AbsentCode);
        guest.Long(a =>
        {
            guest.Catch("absent", () => a.@int(0x40));
            guest.Catch("null", () => a.@int(0x41));
            guest.Catch("data", () => a.@int(0x42));
            guest.Catch("absent code", () => a.@int(0x43));
            guest.Catch("32-bit code", () => a.@int(0x44));
            guest.Catch("type", () => a.@int(0x45));
            guest.Catch("int3", () => a.int3());
            guest.Catch("ud", () => a.ud2());
            a.mov(rax, cr0);
            a.or(rax, (int)Cr0.TS);
            a.mov(cr0, rax);
            guest.Catch("nm", () => a.fld1());
            a.clts();
            a.mov(__word_ptr[Layout.Data], 0x3FF);
            a.mov(__qword_ptr[Layout.Data + 2], (int)Layout.Idt);
            a.lidt(__[Layout.Data]);
            guest.Catch("beyond the limit", () => a.@int(0x80));
            a.mov(__word_ptr[Layout.Data], 0xFFF);
            a.lidt(__[Layout.Data]);
            guest.ToUser();
            guest.Catch("dpl", () => a.@int(0x50));
            guest.Catch("dpl of int3", () => a.db(0xCD, 0x01));
            guest.UserExit();
        });

        static ulong Idt(int vector, ulong ext) => ((ulong)vector << 3) | 2 | ext;
        guest.Expect(
            (11, Idt(0x40, 0), "absent"), (13, 0, "null"), (13, Layout.KernelDs, "data"), (11, AbsentCode, "absent code"), (13, Layout.Code32Cs, "32-bit code"),
            (13, Idt(0x45, 0), "type"), (11, Idt(3, 0), "int3"), (11, Idt(6, 1), "ud"), (11, AbsentCode | 1, "nm"), (13, Idt(0x80, 0), "beyond the limit"),
            (13, Idt(0x50, 0), "dpl"), (13, Idt(1, 0), "dpl of int3"));
    }

    [Theory]
    [EngineSettings]
    public void Tss_TooShortForTheStack_IsTs(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(10, Layout.Stubs + 160); // no IST for #TS itself
        guest.Gate(0x40, Layout.Stubs + 0x400, ist: 3);
        guest.Descriptor(Layout.OwnSelector, 0x0000_8900_0000_0033 | (Layout.Tss << 16)); // ends inside IST3
        guest.Long(a =>
        {
            a.mov(eax, Layout.OwnSelector);
            a.ltr(ax);
            guest.Catch("ist", () => a.@int(0x40));
            guest.Exit();
        });

        guest.Expect((10, Layout.OwnSelector, "ist"));
    }

    private static void Describe(Guest guest)
    {
        guest.Descriptor(AbsentData, 0x00CF_1300_0000_FFFF);
        guest.Descriptor(AbsentCode, 0x00AF_1B00_0000_FFFF);
        guest.Descriptor(UserOnlyData, 0x00CF_F300_0000_FFFF);
        guest.Descriptor(ReadOnlyData, 0x00CF_9100_0000_FFFF);
        guest.Descriptor(AbsentTss, 0x0000_0901_2000_0067);
        guest.Descriptor(BusyTss, 0x0000_8B01_2000_0067);
        guest.Descriptor(NotATss, 0x00CF_9300_0000_FFFF);
        guest.Descriptor(ExecuteOnly, 0x00CF_9900_0000_FFFF);
    }
}
