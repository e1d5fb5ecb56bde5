using Bulkhead.Guests.Tests.Harness;
using Bulkhead.Machine.Domains;
using Bulkhead.X86.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Modes;

public sealed class ProtectedModeTests
{
    private const ulong UserCode = Layout.Code32 + 0x800;
    private const ulong UserStack = Layout.Data + 0x1000;

    [Theory]
    [EngineSettings]
    public void InterruptFromUserCode_In32BitMode_SwitchesToTheInnerStack(string engine)
    {
        using Guest guest = new(engine);
        PrepareInnerStack(guest);
        guest.Write(Layout.Idt32 + (0x80 * 8), guest.Read(Layout.Idt32 + (0x80 * 8)) | (3ul << 45));
        guest.Place(32, UserCode, a =>
        {
            a.mov(ebx, 0x1234_5678);
            a.stc();
            a.@int(0x80);
            guest.Mark("after int");
            guest.Catch("hlt", () => a.hlt());
            a.mov(ax, ds);
            a.mov(__word_ptr[Layout.Data], ax);
            guest.Exit();
        });
        guest.Protected(a => EnterUser(a, 0x3202));

        IReadOnlyList<GuestEvent> events = guest.Events;
        Assert.Equal(2, events.Count);
        Assert.Equal((0x80, guest.At("after int"), (ulong)Layout.User32Cs), (events[0].Vector, events[0].Rip, events[0].Cs));
        Assert.Equal((UserStack, (ulong)Layout.UserDs, 0x3203ul), (events[0].Rsp, events[0].Ss, events[0].Rflags));
        Assert.Equal(0x1234_5678ul, events[0].Rbx);
        Assert.Equal((13, 0ul, guest.At("hlt")), (events[1].Vector, events[1].ErrorCode, events[1].Rip));
        Assert.Equal(0ul, guest.Read(Layout.Data) & 0xFFFF); // DS was the kernel's
    }

    [Theory]
    [EngineSettings]
    public void SmallStack_PushPopCall_UseSpAndKeepTheRestOfEsp(string engine)
    {
        using Guest guest = new(engine);
        guest.Protected(a =>
        {
            a.mov(eax, Layout.Data16Ds);
            a.mov(ss, eax);
            a.mov(esp, 0xABCD_0000);
            a.push(0x1122_3344);
            a.mov(ebx, esp);
            a.mov(__dword_ptr[Layout.Data], ebx);
            a.pop(ecx);
            a.mov(__dword_ptr[Layout.Data + 8], ecx);
            a.mov(__dword_ptr[Layout.Data + 16], esp);
            a.pushad();
            a.mov(ebx, esp);
            a.mov(__dword_ptr[Layout.Data + 24], ebx);
            a.popad();
            a.mov(ebp, 0x7777_8000);
            a.enter(0x10, 0);
            a.mov(__dword_ptr[Layout.Data + 32], esp);
            a.mov(__dword_ptr[Layout.Data + 40], ebp);
            a.leave();
            a.mov(__dword_ptr[Layout.Data + 48], esp);
            a.mov(__dword_ptr[Layout.Data + 56], ebp);
            guest.Exit();
        });

        Assert.Equal(0x7777_8000ul, guest.Read(0xFFFC) & uint.MaxValue);
        Assert.Equal(0xABCD_FFFCul, guest.Read(Layout.Data));
        Assert.Equal(0x1122_3344ul, guest.Read(Layout.Data + 8));
        Assert.Equal(0xABCD_0000ul, guest.Read(Layout.Data + 16));
        Assert.Equal(0xABCD_FFE0ul, guest.Read(Layout.Data + 24));
        Assert.Equal(0xABCD_FFECul, guest.Read(Layout.Data + 32));
        Assert.Equal(0xABCD_FFFCul, guest.Read(Layout.Data + 40)); // ESP as the push left it
        Assert.Equal(0xABCD_0000ul, guest.Read(Layout.Data + 48));
        Assert.Equal(0x7777_8000ul, guest.Read(Layout.Data + 56) & 0xFFFF_FFFF);
    }

    [Theory]
    [EngineSettings]
    public void LegacyPaging_TwoLevelsAndLargePages_TranslateAndFault(string engine)
    {
        using Guest guest = new(engine);
        ulong directory = guest.NewPage(), table = guest.NewPage();
        for (ulong i = 0; i < 4; i++)
        {
            guest.Write32(directory + (4 * i), (uint)(i << 22) | 0x83); // 4 MiB pages, identity
        }

        guest.Write32(directory + (4 * 100), (uint)table | 7);
        guest.Write32(table, (uint)Layout.Free | 3);
        guest.Write32(table + 4, (uint)(Layout.Free + 0x1000) | 1);
        const int own = 100 << 22;
        guest.Protected(a =>
        {
            a.mov(eax, (int)directory);
            a.mov(cr3, eax);
            a.mov(eax, cr4);
            a.or(eax, (int)Cr4.PSE);
            a.mov(cr4, eax);
            a.mov(eax, cr0);
            a.or(eax, unchecked((int)(uint)Cr0.PG));
            a.mov(cr0, eax);
            a.mov(__dword_ptr[own + 0x10], 0x5566_7788);
            guest.Catch("read-only", () => a.mov(__dword_ptr[own + 0x1010], 1));
            guest.Catch("absent", () => a.mov(eax, __dword_ptr[own + 0x2010]));
            guest.Exit();
        });

        Assert.Equal(0x5566_7788ul, guest.Read(Layout.Free + 0x10));
        Assert.Equal(
            [(14, 3ul, guest.At("read-only"), own + 0x1010ul), (14, 0ul, guest.At("absent"), own + 0x2010ul)],
            guest.Events.Select(e => (e.Vector, e.ErrorCode, e.Rip, e.Cr2)));
        Assert.Equal(0x63ul, guest.Read(table) & 0xFFF); // A and D
        Assert.Equal(0x01ul, (guest.Read(table) >> 32) & 0xFFF); // a fault sets neither
    }

    [Theory]
    [EngineSettings]
    public void TaskSwitches_ThatUserCodeMayNotMake_AreFaults(string engine)
    {
        const ushort inner = Layout.OwnSelector, busy = inner + 8, absent = inner + 16, tooShort = inner + 24,
            innerGate = inner + 32, absentGate = inner + 40, localGate = inner + 48, busyGate = inner + 56;
        const ulong dpl3 = 3ul << 45, present = 1ul << 47, busyFlag = 2ul << 40;
        using Guest guest = new(engine);
        PrepareInnerStack(guest);
        ulong tss = guest.Read(Layout.Gdt + Layout.TssSelector);
        guest.Descriptor(inner, tss);
        guest.Descriptor(busy, tss | dpl3 | busyFlag);
        guest.Descriptor(absent, (tss | dpl3) & ~present);
        guest.Descriptor(tooShort, (tss | dpl3) - 1);
        guest.Descriptor(innerGate, TaskGate(inner, 0));
        guest.Descriptor(absentGate, TaskGate(inner, 3) & ~present);
        guest.Descriptor(localGate, TaskGate(inner | 4, 3));
        guest.Descriptor(busyGate, TaskGate(busy, 3));
        guest.Write(Layout.Idt32 + (8 * 8), TaskGate(inner, 0));
        guest.Write(Layout.Idt32 + (0x20 * 8), TaskGate(inner, 3) & ~present);
        guest.Write(Layout.Idt32 + (0x21 * 8), TaskGate(busy, 3));
        guest.Write(Layout.Idt32 + (0x22 * 8), TaskGate(0, 3));
        guest.Place(32, UserCode, a =>
        {
            foreach (ushort selector in (ushort[])[inner, busy, absent, tooShort, innerGate, absentGate, localGate, busyGate])
            {
                guest.Catch($"jmp {selector:x}", () => a.jmp(selector, 0u));
                guest.Catch($"call {selector:x}", () => a.call(selector, 0u));
            }

            guest.Catch("rpl", () => a.jmp(busy | 3, 0u));
            guest.Catch("int 8", () => a.@int(8));
            guest.Catch("int 20", () => a.@int(0x20));
            guest.Catch("int 21", () => a.@int(0x21));
            guest.Catch("int 22", () => a.@int(0x22));
            guest.Exit();
        });
        guest.Protected(a => EnterUser(a, 0x3202));

        (int, ulong, string)[] Both(ushort selector, int vector, ulong code) => [(vector, code, $"jmp {selector:x}"), (vector, code, $"call {selector:x}")];
        guest.Expect([
            .. Both(inner, 13, inner), .. Both(busy, 13, busy), .. Both(absent, 11, absent), .. Both(tooShort, 10, tooShort),
            .. Both(innerGate, 13, innerGate), .. Both(absentGate, 11, absentGate), .. Both(localGate, 13, inner | 4), .. Both(busyGate, 13, busy),
            (13, busy, "rpl"), (13, (8 * 8) + 2, "int 8"), (11, (0x20 * 8) + 2, "int 20"), (13, busy, "int 21"), (13, 0, "int 22")]);
    }

    [Theory]
    [EngineSettings]
    public void IretWithNt_ToNoTaskThatCalled_IsTs(string engine)
    {
        const ushort available = Layout.OwnSelector, absent = available + 8;
        using Guest guest = new(engine);
        PrepareInnerStack(guest);
        ulong tss = guest.Read(Layout.Gdt + Layout.TssSelector);
        guest.Descriptor(available, tss);
        guest.Descriptor(absent, (tss | (2ul << 40)) & ~(1ul << 47));
        guest.Place(32, UserCode, a =>
        {
            a.push(0x7202);
            a.popfd();
            foreach (ushort link in (ushort[])[0, available, available | 4, absent])
            {
                a.mov(__word_ptr[Layout.Tss], (short)link);
                guest.Catch($"link {link:x}", () => a.iretd());
            }

            guest.Exit();
        });
        guest.Protected(a => EnterUser(a, 0x3202));

        guest.Expect((10, 0, "link 0"), (10, available, $"link {available:x}"), (10, available | 4, $"link {available | 4:x}"), (11, absent, $"link {absent:x}"));
    }

    [Theory]
    [EngineSettings]
    public void CallGates_ThatLeadNowhere_AreFaults(string engine)
    {
        const ushort toInner = Layout.OwnSelector, toData = toInner + 8, toNull = toInner + 16, toAbsent = toInner + 24, absent = toInner + 32,
            innerGate = toInner + 40, absentGate = toInner + 48;
        using Guest guest = new(engine);
        PrepareInnerStack(guest);
        static ulong Gate(ushort to, int dpl = 3) => 0x0000_8C00_0000_0000 | ((ulong)dpl << 45) | ((ulong)to << 16);
        guest.Descriptor(toInner, Gate(Layout.Code32Cs));
        guest.Descriptor(toData, Gate(Layout.KernelDs));
        guest.Descriptor(toNull, Gate(0));
        guest.Descriptor(toAbsent, Gate(absent));
        guest.Descriptor(absent, 0x00CF_1B00_0000_FFFF);
        guest.Descriptor(innerGate, Gate(Layout.Code32Cs, dpl: 0));
        guest.Descriptor(absentGate, Gate(Layout.Code32Cs) & ~(1ul << 47));
        guest.Place(32, UserCode, a =>
        {
            guest.Catch("jmp inner", () => a.jmp(toInner | 3, 0u));
            guest.Catch("call data", () => a.call(toData | 3, 0u));
            guest.Catch("call null", () => a.call(toNull | 3, 0u));
            guest.Catch("call absent", () => a.call(toAbsent | 3, 0u));
            guest.Catch("call inner gate", () => a.call(innerGate | 3, 0u));
            guest.Catch("call absent gate", () => a.call(absentGate | 3, 0u));
            guest.Exit();
        });
        guest.Protected(a => EnterUser(a, 0x3202));

        guest.Expect(
            (13, Layout.Code32Cs, "jmp inner"), (13, Layout.KernelDs, "call data"), (13, 0, "call null"), (11, absent, "call absent"),
            (13, innerGate, "call inner gate"), (11, absentGate, "call absent gate"));
    }

    [Theory]
    [EngineSettings]
    public void PaePointers_WithReservedBits_AreNotLoaded(string engine)
    {
        using Guest guest = new(engine);
        ulong pointers = guest.NewPage(), directory = guest.NewPage();
        guest.Write(pointers, directory | 1);
        guest.Write(pointers + 24, 0x1E6); // not present: what is in it does not matter
        for (ulong i = 0; i < 8; i++)
        {
            guest.Write(directory + (8 * i), (i << 21) | 0x83);
        }

        guest.Protected(a =>
        {
            void Set(uint low, uint high)
            {
                a.mov(__dword_ptr[pointers + 16], low);
                a.mov(__dword_ptr[pointers + 20], high);
            }

            Set(3, 0);
            a.mov(eax, cr4);
            a.or(eax, (int)Cr4.PAE);
            a.mov(cr4, eax);
            a.mov(eax, (int)pointers);
            a.mov(cr3, eax); // paging is off
            a.mov(ebx, cr0);
            a.or(ebx, unchecked((int)(uint)Cr0.PG));
            guest.Catch("cr0", () => a.mov(cr0, ebx));
            Set(0, 0);
            a.mov(cr0, ebx);
            a.mov(cr3, eax);
            foreach ((uint low, uint high) in ((uint, uint)[])[(5, 0), (0x21, 0), (0x101, 0), (1, 1u << 14), (1, 1u << 31)])
            {
                Set(low, high);
                guest.Catch($"cr3 {high:x} {low:x}", () => a.mov(cr3, eax));
            }

            a.mov(ecx, cr4);
            a.xor(ecx, (int)Cr4.PGE);
            guest.Catch("cr4", () => a.mov(cr4, ecx));
            Set(0xE19, 0);
            a.mov(cr4, ecx);
            a.mov(cr3, eax);
            guest.Exit();
        });

        guest.Expect(
            (13, 0, "cr0"), (13, 0, "cr3 0 5"), (13, 0, "cr3 0 21"), (13, 0, "cr3 0 101"), (13, 0, "cr3 4000 1"), (13, 0, "cr3 80000000 1"), (13, 0, "cr4"));
    }

    [Fact]
    public void TaskSwitch_ByFarJump_StopsWithItsName()
    {
        using Guest guest = new();
        guest.Descriptor(Layout.OwnSelector, guest.Read(Layout.Gdt + Layout.TssSelector));
        guest.Place(32, Layout.Code32, a => a.jmp(Layout.OwnSelector, 0u));
        guest.EnterProtected(0, Layout.Code32);

        AssertStopsNaming(guest, "task switch");
    }

    [Fact]
    public void TaskGate_InTheIdt_StopsWithItsName()
    {
        using Guest guest = new();
        guest.Write(Layout.Idt32 + (0x20 * 8), 0x0000_8500_0000_0000 | ((ulong)Layout.TssSelector << 16));
        guest.Place(32, Layout.Code32, a => a.@int(0x20));
        guest.EnterProtected(0, Layout.Code32);

        AssertStopsNaming(guest, "task gate");
    }

    [Fact]
    public void Virtual8086_ByIret_StopsWithItsName()
    {
        using Guest guest = new();
        PrepareInnerStack(guest);
        guest.Place(32, Layout.Code32, a => EnterUser(a, 0x2_0202));
        guest.EnterProtected(0, Layout.Code32);

        AssertStopsNaming(guest, "virtual-8086");
    }

    [Fact]
    public void CallGate_ToAnInnerLevel_StopsWithItsName()
    {
        using Guest guest = new();
        PrepareInnerStack(guest);
        guest.Descriptor(Layout.OwnSelector, 0x0000_EC00_0000_0000 | ((ulong)Layout.Code32Cs << 16) | 0x1234);
        guest.Place(32, UserCode, a => a.call((ushort)(Layout.OwnSelector | 3), 0u));
        guest.Place(32, Layout.Code32, a => EnterUser(a, 0x202));
        guest.EnterProtected(0, Layout.Code32);

        AssertStopsNaming(guest, "call gate");
    }

    private static ulong TaskGate(ushort tss, int dpl) => 0x0000_8500_0000_0000 | ((ulong)dpl << 45) | ((ulong)tss << 16);

    private static void AssertStopsNaming(Guest guest, string what)
    {
        DomainResult result = guest.Run();
        Assert.Equal(ExitCodes.Unsupported, result.ExitCode);
        Assert.Contains(what, result.Message, StringComparison.Ordinal);
    }

    private static void PrepareInnerStack(Guest guest) =>
        guest.Write(Layout.Tss + 4, (Layout.HandlerStacks + 0x1000) | ((ulong)Layout.KernelDs << 32));

    private static void EnterUser(Iced.Intel.Assembler a, int flags)
    {
        a.push(Layout.UserDs);
        a.push((int)UserStack);
        a.push(flags);
        a.push(Layout.User32Cs);
        a.push((int)UserCode);
        a.iretd();
    }
}
