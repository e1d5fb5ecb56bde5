using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Interrupts;

/// <summary>The first SYSCALL and SYSRET are interpreted, those after them emitted: all have to do the same.</summary>
public sealed class RepeatedSystemCallTests
{
    private const ulong Entry = Layout.Code + 0x1000, Other = Layout.Code + 0x2000;
    private const ulong Status = Rflags.CF | Rflags.PF | Rflags.AF | Rflags.ZF | Rflags.SF | Rflags.OF;

    /// <summary>What SYSCALL masks: as the kernels of systems set it, nothing, single flags, everything.</summary>
    private static readonly ulong[] s_masks =
    [
        0x25_7FD5, Rflags.IF | Rflags.DF | Rflags.TF | Rflags.AC, 0, Rflags.IF, Rflags.AC, Rflags.AC | Status, Rflags.AC | Rflags.CF | Rflags.OF, 0x3F_7FFF,
    ];

    [Theory]
    [EngineSettings]
    public void Syscalls_OfAllFlagsAndMasks_DoWhatTheInterpreterDoes(string engine)
    {
        foreach (ulong mask in s_masks)
        {
            foreach (bool smap in new[] { false, true })
            {
                Assert.Equal(Sum("inline-system=off", mask, smap), Sum(engine, mask, smap));
            }
        }
    }

    [Fact]
    public void Syscalls_OfALoop_AreInterpretedOnceOrTwice()
    {
        using Guest guest = Count();

        Assert.All(
            guest.Slot().Vcpu.Exits.Interpreted().Where(static i => i.Code is Code.Syscall or Code.Sysretq),
            static i => Assert.InRange(i.Count, 1, 3));
    }

    [Theory]
    [EngineSettings]
    public void Returns_AfterSystemCallsFromWithin_ComeBackToTheirCallers(string engine)
    {
        using Guest guest = Count(engine);

        Assert.Equal((300ul * 9, 300ul * 4), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
    }

    [Theory]
    [EngineSettings]
    public void Return_InAnotherAddressSpace_IsToItsCode(string engine)
    {
        // The kernel changes between two address spaces; behind the call that leads to SYSCALL each has another page.
        using Guest guest = new(engine);
        PageTables second = guest.NewTables();
        const ulong page = Layout.Free + 0x2000, copy = Layout.Free + 0x3000, shared = Layout.Free + 0x4000, place = Layout.Own + 0x4000;
        foreach ((PageTables tables, ulong at, int value) in new[] { (guest.Pages, page, 1), (second, copy, 1000) })
        {
            guest.Place(64, at, a =>
            {
                Label loop = a.CreateLabel();
                a.Label(ref loop);
                a.mov(rax, place + 0x1000);
                a.call(rax);
                a.add(rbp, value);
                a.dec(r12);
                a.jne(loop);
                a.mov(__[Layout.User + Layout.Data], rbp);
                a.@int(Layout.ExitVector);
            });
            tables.MapRange(0, 0, Layout.Ram, PageBits.Kernel | PageBits.G, 21);
            tables.Map(place, at, PageBits.User);
            tables.Map(place + 0x1000, shared, PageBits.User);
        }

        guest.Place(64, shared, a =>
        {
            a.syscall();
            a.ret();
        });
        guest.Place(64, Entry, a =>
        {
            a.mov(rbx, cr3);
            a.xor(rbx, (int)(guest.Pages.Root ^ second.Root));
            a.mov(cr3, rbx);
            Guest.Sysret(a);
        });
        guest.Long(a =>
        {
            guest.SystemCalls(Entry, s_masks[0]);
            a.mov(rax, cr4);
            a.bts(rax, 7); // the kernel's code survives a write of CR3
            a.mov(cr4, rax);
            a.xor(ebp, ebp);
            a.mov(r12d, 200);
            guest.ToUser();
            a.mov(rax, place);
            a.jmp(rax);
        });

        Assert.Equal(100ul + (100 * 1000), guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void Syscall_AmidABlock_IsOne(string engine)
    {
        using Guest guest = new(engine);
        guest.Place(64, Entry, Guest.Sysret);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel(), over = a.CreateLabel();
            guest.SystemCalls(Entry, s_masks[0]);
            guest.ToUser();
            a.mov(r12d, 50);
            a.Label(ref loop);
            a.test(r12d, 1);
            a.jne(over);
            a.syscall();
            a.inc(ebp);
            a.Label(ref over);
            a.dec(r12d);
            a.jne(loop);
            a.mov(__[Layout.User + Layout.Data], rbp);
            guest.UserExit();
        });

        Assert.Equal(25ul, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void Tsd_SetByTheKernel_HoldsFromThenOn(string engine)
    {
        using Guest guest = new(engine);
        guest.Place(64, Entry, a =>
        {
            Label others = a.CreateLabel();
            a.cmp(r12d, 5);
            a.jne(others);
            a.mov(rax, cr4);
            a.bts(rax, 2);
            a.mov(cr4, rax);
            a.Label(ref others);
            Guest.Sysret(a);
        });
        _ = guest.LongResult(a =>
        {
            Label loop = a.CreateLabel();
            guest.SystemCalls(Entry, s_masks[0]);
            guest.ToUser();
            a.mov(r12d, 50);
            a.Label(ref loop);
            a.syscall();
            guest.Catch("rdtsc", () => a.rdtsc());
            a.dec(r12d);
            a.jne(loop);
            guest.UserExit();
        });

        Assert.Equal(Enumerable.Repeat(13, 5), guest.Events.Select(static e => (int)e.Vector));
    }

    /// <summary>A sum of everything that SYSCALL and SYSRET change, over flags that differ each time.</summary>
    private static ulong Sum(string engine, ulong mask, bool smap)
    {
        using Guest guest = new(engine);
        foreach ((ulong at, ulong next) in new[] { (Entry, Other), (Other, Entry) })
        {
            guest.Place(64, at, a =>
            {
                Label same = a.CreateLabel(), denied = a.CreateLabel();
                a.mov(r14, rcx);
                a.mov(r15, r11);
                a.mov(r10, rsp);
                a.mov(rsp, Layout.StackOf(0));
                FoldState(a);
                Fold(a, r14, r15, r10);
                a.pushfq();
                a.pop(rbx);
                a.bt(ebx, 18);
                a.jnc(denied);
                a.mov(rbx, __[Layout.User + Layout.Data]); // EFLAGS.AC allows it
                a.Label(ref denied);
                a.mov(rax, at);
                Fold(a, rax);
                a.test(r12d, 15);
                a.jne(same);
                guest.Msr(0xC000_0082, next);
                a.Label(ref same);
                a.mov(rcx, r14);
                a.mov(r11, r15);
                a.btc(r11, 0); // a flag of the kernel's choice
                a.mov(rsp, Layout.UserStack);
                Guest.Sysret(a);
            });
        }

        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            guest.SystemCalls(Entry, mask);
            a.mov(rax, cr4);
            a.btr(rax, 21);
            a.or(eax, smap ? 1 << 21 : 0);
            a.mov(cr4, rax);
            a.xor(r13d, r13d);
            a.mov(r12d, 100);
            guest.ToUser();
            a.Label(ref loop);
            a.imul(rax, r12, 0x3779_B97F);
            a.and(eax, (int)(Status | Rflags.DF | Rflags.AC | Rflags.NT));
            a.push(rax);
            a.popfq();
            a.syscall();
            FoldState(a);
            Fold(a, rcx, r11, rsp);
            a.dec(r12d);
            a.jne(loop);
            a.cld();
            a.mov(__[Layout.User + Layout.Data], r13);
            guest.UserExit();
        });
        return guest.Read(Layout.Data);
    }

    private static Guest Count(string engine = "")
    {
        Guest guest = new(engine);
        guest.Place(64, Entry, a =>
        {
            Label inner = a.CreateLabel(), innermost = a.CreateLabel(), on = a.CreateLabel();
            a.mov(rdi, rsp);
            a.mov(rsp, Layout.StackOf(0));
            a.call(inner);
            a.call(innermost);
            a.mov(rsp, rdi);
            Guest.Sysret(a);
            a.Label(ref inner);
            a.stac();
            a.inc(__qword_ptr[Layout.User + Layout.Data + 8]);
            a.call(innermost);
            a.clac();
            a.call(innermost);
            a.ret();
            a.Label(ref innermost);
            a.lea(rax, __[on]);
            a.jmp(rax);
            a.Label(ref on);
            a.inc(__qword_ptr[Layout.Data + 8]);
            a.ret();
        });
        guest.Long(a =>
        {
            Label loop = a.CreateLabel(), down = a.CreateLabel(), up = a.CreateLabel();
            guest.SystemCalls(Entry, s_masks[0]);
            a.mov(rax, cr4);
            a.bts(rax, 21); // SMAP
            a.mov(cr4, rax);
            guest.ToUser();
            a.xor(ebp, ebp);
            a.mov(r12d, 300);
            a.Label(ref loop);
            a.mov(ebx, 8);
            a.call(down);
            a.dec(r12d);
            a.jne(loop);
            a.mov(__[Layout.User + Layout.Data], rbp);
            guest.UserExit();
            a.Label(ref down);
            a.dec(ebx);
            a.js(up);
            a.call(down);
            a.inc(ebp);
            a.ret();
            a.Label(ref up);
            a.syscall();
            a.inc(ebp);
            a.ret();
        });
        return guest;
    }

    private static void FoldState(Assembler a)
    {
        a.pushfq();
        a.pop(rbx);
        Fold(a, rbx);
        a.mov(ebx, cs);
        Fold(a, rbx);
        a.mov(ebx, ss);
        Fold(a, rbx);
    }

    private static void Fold(Assembler a, params ReadOnlySpan<AssemblerRegister64> values)
    {
        foreach (AssemblerRegister64 value in values)
        {
            a.rol(r13, 7);
            a.xor(r13, value);
        }
    }
}
