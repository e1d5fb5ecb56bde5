using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Bulkhead.Guests.Tests.Harness.DebugRegisters;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

/// <summary>Breakpoints on data and ports. <i>Source</i>: Intel SDM Vol. 3B, 17.2 Debug Registers, 17.3.1.2 Data Memory and I/O
/// Breakpoint Exception Conditions; Vol. 3A, 6.8.3.</summary>
public sealed class BreakpointTests
{
    private const ulong Watched = Layout.Data + 0x100;

    [Theory]
    [EngineSettings]
    public void Write_OfAByteInTheRange_TrapsAfterTheInstruction(string engine)
    {
        foreach (int length in (ReadOnlySpan<int>)[1, 2, 4, 8])
        {
            using Guest guest = NewGuest(engine);
            guest.Long(a =>
            {
                Point(a, 2, Watched + (ulong)length - 1); // the low bits do not count
                Enable(a, (2, Write, length));
                for (int i = -2; i < length + 2; i++)
                {
                    a.mov(__byte_ptr[Watched + (ulong)i], 1);
                    guest.Mark($"{i}");
                }

                guest.Exit();
            });

            Assert.Equal(Enumerable.Range(0, length).Select(i => (guest.At($"{i}"), 4ul)), DebugLog.Of(guest).Select(e => (e.Rip, e.Hits)));
        }
    }

    [Theory]
    [EngineSettings]
    public void Access_ThatReachesTheRange_Traps(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            const ulong page = Layout.Data + 0x1000;
            Point(a, 0, Watched);
            Point(a, 1, page);
            Point(a, 2, Layout.Device + 8);
            Enable(a, (0, ReadOrWrite, 1), (1, ReadOrWrite, 1), (2, ReadOrWrite, 4));
            a.xor(eax, eax);
            a.mov(__[Watched - 8], rax);
            a.mov(__[Watched - 7], rax);
            guest.Mark("1");
            a.mov(__[Watched - 3], eax);
            guest.Mark("2");
            a.mov(__[Watched + 1], ax);
            a.movups(xmm0, __[Watched - 15]);
            guest.Mark("3");
            a.mov(__[page - 4], rax); // over the end of a page
            guest.Mark("4");
            a.mov(ecx, (uint)Layout.Device);
            a.mov(__[rcx + 8], eax);
            guest.Mark("5");
            a.mov(eax, __[rcx + 4]);
            a.mov(al, __[rcx + 11]);
            guest.Mark("6");
            guest.Exit();
        });

        Assert.Equal(
            [(guest.At("1"), 1ul), (guest.At("2"), 1ul), (guest.At("3"), 1ul), (guest.At("4"), 2ul), (guest.At("5"), 4ul), (guest.At("6"), 4ul)],
            DebugLog.Of(guest).Select(e => (e.Rip, e.Hits)));
    }

    /// <summary>DR0 is for writes, DR1 for both, DR2 for both and not enabled.</summary>
    [Theory]
    [EngineSettings]
    public void Instructions_OfEachKind_HitWhatTheyAccess(string engine)
    {
        using Guest guest = NewGuest(engine);
        var expected = new List<(string Mark, ulong Hits)>();
        guest.Long(a =>
        {
            void Hits(string mark, ulong hits, Action instruction)
            {
                instruction();
                guest.Mark(mark);
                if (hits != 0)
                {
                    expected.Add((mark, hits));
                }
            }

            void Rsp(ulong value) => a.mov(esp, (uint)value);

            Label next = a.CreateLabel();
            a.fninit();
            Point(a, 0, Watched);
            Point(a, 1, Watched);
            Point(a, 2, Watched);
            Enable(a, (0, Write, 8), (1, ReadOrWrite, 8));
            a.mov(r12d, (uint)Watched);
            a.xor(eax, eax);
            Hits("load", 2, () => a.mov(ecx, __[r12]));
            Hits("store", 3, () => a.mov(__[r12], ecx));
            Hits("add", 3, () => a.add(__[r12], ecx));
            Hits("cmp", 2, () => a.cmp(__[r12], ecx));
            Hits("cmpxchg", 3, () => a.cmpxchg(__[r12], ecx));
            Hits("lea", 0, () => a.lea(rcx, __[r12]));
            Hits("nop", 0, () => a.nop(__dword_ptr[r12]));
            Hits("prefetch", 0, () => a.prefetcht0(__[r12]));
            Hits("invlpg", 0, () => a.invlpg(__[r12]));
            Hits("bts", 3, () => a.bts(__qword_ptr[r12], rax));
            Hits("bt", 2, () => a.bt(__qword_ptr[r12], rax));
            Hits("movups", 3, () => a.movups(__[r12], xmm0));
            Hits("fld", 2, () => a.fld(__qword_ptr[r12]));
            Hits("fstp", 3, () => a.fstp(__qword_ptr[r12]));
            Hits("sgdt", 3, () => a.sgdt(__[r12]));
            Hits("mov ds", 3, () => a.mov(__word_ptr[r12], ds));
            Hits("fxsave", 3, () => a.fxsave(__[r12]));
            Hits("fxrstor", 2, () => a.fxrstor(__[r12]));
            a.xor(edx, edx);
            a.mov(eax, 1);
            a.fld1(); // what is in its initial state is not read back
            Hits("xsave x87", 3, () => a.xsave(__[r12]));
            Hits("xrstor x87", 2, () => a.xrstor(__[r12]));
            a.mov(eax, 4);
            Hits("xsave avx", 0, () => a.xsave(__[r12]));
            a.vpxor(ymm1, ymm1, ymm1);
            Hits("vpmaskmovd of nothing", 0, () => a.vpmaskmovd(__[r12], ymm1, ymm0));
            a.vpcmpeqd(ymm1, ymm1, ymm1);
            Hits("vpmaskmovd", 3, () => a.vpmaskmovd(__[r12], ymm1, ymm0));
            a.mov(esi, (uint)Watched);
            a.mov(edi, (uint)Watched + 0x40);
            Hits("movsb from", 2, a.movsb);
            a.mov(edi, (uint)Watched);
            Hits("movsb to", 3, a.movsb);
            Hits("stosb", 3, a.stosb);
            Hits("scasb", 2, a.scasb);
            Hits("lodsb", 2, a.lodsb);
            Rsp(Watched + 8);
            Hits("push", 3, () => a.push(rax));
            Hits("pop", 2, () => a.pop(rax));
            Hits("pushf", 3, a.pushfq);
            Hits("popf", 2, a.popfq);
            Hits("call", 3, () =>
            {
                a.call(next);
                a.Label(ref next);
            });
            Rsp(Watched + 8);
            Hits("push of memory", 3, () => a.push(__qword_ptr[r12 + 0x40]));
            Hits("pop to memory", 2, () => a.pop(__qword_ptr[r12 + 0x40]));
            Hits("enter", 3, () => a.enter(16, 0));
            Hits("leave", 2, a.leave);
            guest.Exit();
        });

        Assert.Equal(
            expected.Select(e => $"{e.Mark}: {e.Hits} at {guest.At(e.Mark):x}"),
            DebugLog.Of(guest).Select((e, i) => $"{(i < expected.Count ? expected[i].Mark : "?")}: {e.Hits} at {e.Rip:x}"));
    }

    [Theory]
    [EngineSettings]
    public void Write_WithTf_IsOneTrapForBoth(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Point(a, 0, Watched);
            Point(a, 3, Watched);
            Enable(a, (0, Write, 4), (3, ReadOrWrite, 1));
            a.pushfq();
            a.or(__dword_ptr[rsp], 0x100);
            a.popfq();
            a.mov(__[Watched], eax);
            guest.Mark("1");
            a.nop();
            guest.Mark("2");
            a.mov(eax, __[Watched]);
            guest.Mark("3");
            guest.Exit();
        });

        Assert.Equal(
            [(guest.At("1"), Dr6.BS | 9), (guest.At("2"), Dr6.BS), (guest.At("3"), Dr6.BS | 8)],
            DebugLog.Of(guest).Take(3).Select(e => (e.Rip, e.Dr6 & 0xE00F)));
    }

    [Theory]
    [EngineSettings]
    public void Dr6_WhenNobodyClearsIt_KeepsWhatItHas(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Point(a, 0, Watched);
            Point(a, 1, Watched + 8);
            Enable(a, (0, Write, 4), (1, Write, 4));
            a.mov(__[Watched], eax);
            guest.Mark("1");
            a.mov(__[Watched + 8], eax);
            guest.Mark("2");
            a.mov(rax, dr6);
            a.mov(__[Layout.Data], rax);
            guest.Exit();
        });

        guest.Expect((1, 0, "1"), (1, 0, "2"));
        Assert.Equal(0xFFFF_0FF3, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void Rep_ThatHits_TrapsAfterTheIteration(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Point(a, 0, Watched);
            Point(a, 1, Watched + 0x43);
            Enable(a, (0, Write, 1), (1, ReadOrWrite, 1));
            a.mov(esi, (uint)Layout.Data);
            a.mov(edi, (uint)Watched - 2);
            a.mov(ecx, 5);
            guest.Mark("movs");
            a.rep.movsb();
            a.mov(edi, (uint)Watched - 6);
            a.mov(ecx, 2);
            a.rep.stosd();
            guest.Mark("after stos");
            a.mov(esi, (uint)Watched + 0x40);
            a.mov(ecx, 8);
            guest.Mark("lods");
            a.rep.lodsb();
            guest.Exit();
        });

        IReadOnlyList<DebugLog> log = DebugLog.Of(guest);
        Assert.Equal(
            [(guest.At("movs"), 1ul, 2ul), (guest.At("after stos"), 1ul, 0ul), (guest.At("lods"), 2ul, 4ul)],
            log.Select(e => (e.Rip, e.Hits, e.Rcx)));
        Assert.Equal((Layout.Data + 3, Watched + 1), (log[0].Rsi, log[0].Rdi));
        Assert.Equal(Watched + 2, log[1].Rdi);
        Assert.Equal(Watched + 0x44, log[2].Rsi);

        // RF is pushed set by all iterations but the last.
        Assert.Equal([Rflags.RF, 0, Rflags.RF], log.Select(e => e.Rflags & Rflags.RF));
    }

    [Theory]
    [EngineSettings]
    public void MovSs_FromWatchedMemory_TrapsAfterTheNextInstruction(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Write(Watched, Layout.KernelDs);
        guest.Long(a =>
        {
            Point(a, 0, Watched);
            Point(a, 1, Watched + 8);
            Enable(a, (0, ReadOrWrite, 2), (1, ReadOrWrite, 2));
            a.mov(ss, __word_ptr[Watched]);
            a.nop();
            guest.Mark("1");
            a.mov(ss, __word_ptr[Watched]);
            a.mov(__[Watched + 8], eax);
            guest.Mark("2");
            guest.Exit();
        });

        Assert.Equal([(guest.At("1"), 1ul), (guest.At("2"), 3ul)], DebugLog.Of(guest).Select(e => (e.Rip, e.Hits)));
    }

    [Theory]
    [EngineSettings]
    public void MovSs_FromWatchedMemoryBeforeAFault_DoesNotTrap(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Write(Watched, Layout.KernelDs);
        guest.Long(a =>
        {
            Point(a, 0, Watched);
            Enable(a, (0, ReadOrWrite, 2));
            a.xor(ecx, ecx);
            a.mov(ss, __word_ptr[Watched]);
            guest.Catch("div", () => a.div(ecx));
            a.nop();
            guest.Exit();
        });

        guest.Expect((0, 0, "div"));
        Assert.Empty(DebugLog.Of(guest));
    }

    [Theory]
    [EngineSettings]
    public void PopSs_FromWatchedStack_TrapsAfterTheStackPointerIsLoaded(string engine)
    {
        using Guest guest = new(engine);
        guest.Write32(Watched, Layout.KernelDs);
        guest.Protected(a =>
        {
            a.mov(eax, (uint)Watched);
            a.mov(dr0, eax);
            a.mov(eax, (uint)Dr7((0, ReadOrWrite, 4)));
            a.mov(dr7, eax);
            a.mov(ebx, esp);
            a.mov(esp, (uint)Watched);
            a.pop(ss);
            a.mov(esp, ebx);
            guest.Mark("after");
            a.mov(eax, dr6);
            a.mov(__[Layout.Data], eax);
            guest.Exit();
        });

        guest.Expect((1, 0, "after"));
        Assert.Equal(1ul, guest.Read(Layout.Data) & 0xE00F);
    }

    [Theory]
    [EngineSettings]
    public void UserCode_WritingWhatTheKernelWatches_Traps(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Point(a, 0, Layout.User + Watched);
            Enable(a, (0, Write, 4));
            a.mov(__[Watched], eax); // the same memory at another linear address
            guest.ToUser();
            a.mov(__[Layout.User + Watched], eax);
            guest.Mark("after");
            a.nop();
            guest.UserExit();
        });

        DebugLog e = Assert.Single(DebugLog.Of(guest));
        Assert.Equal((Layout.User + guest.At("after"), (ulong)Layout.UserCs), (e.Rip, e.Cs));
    }

    [Theory]
    [EngineSettings]
    public void Ports_WithDe_Trap(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Point(a, 0, 0x80);
            Enable(a, (0, Port, 1));
            a.@out(0x80, al); // not without CR4.DE
            a.mov(rax, cr4);
            a.or(eax, (int)Cr4.DE);
            a.mov(cr4, rax);
            a.@out(0x80, al);
            guest.Mark("1");
            a.@in(al, 0x80);
            guest.Mark("2");
            a.@out(0x7F, ax);
            guest.Mark("3");
            a.@out(0x81, al);
            a.mov(al, __[0x80]);
            a.mov(edx, 0x80);
            a.mov(esi, (uint)Watched);
            a.outsb();
            guest.Mark("4");
            guest.Exit();
        });

        Assert.Equal(Enumerable.Range(1, 4).Select(i => (guest.At($"{i}"), 1ul)), DebugLog.Of(guest).Select(e => (e.Rip, e.Hits)));
    }

    [Theory]
    [EngineSettings]
    public void Access_OnceDr7IsCleared_DoesNotTrap(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            Point(a, 0, Watched);
            a.mov(__[Watched], eax);
            Enable(a, (0, Write, 8));
            a.mov(__[Watched], eax);
            guest.Mark("after");
            Enable(a);
            a.mov(ecx, 1000);
            a.Label(ref loop);
            a.mov(__[Watched], ecx);
            a.dec(ecx);
            a.jne(loop);
            guest.Exit();
        });

        Assert.Equal([guest.At("after")], DebugLog.Of(guest).Select(e => e.Rip));
    }

    [Theory]
    [EngineSettings]
    public void Instruction_ThatHitsAndFaults_DoesNotTrap(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Point(a, 0, Watched);
            Enable(a, (0, ReadOrWrite, 8));
            guest.Catch("div", () => a.div(__dword_ptr[Watched]));
            a.nop();
            guest.Exit();
        });

        guest.Expect((0, 0, "div"));
        Assert.Empty(DebugLog.Of(guest));
    }

    [Theory]
    [EngineSettings]
    public void TablesAndPageWalks_AtWatchedAddresses_DoNotTrap(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Pages.Map(Layout.Own, Layout.Free);
        ulong entry = guest.Pages.EntryAddress(Layout.Own, 12);
        guest.Long(a =>
        {
            Point(a, 0, entry);
            Point(a, 1, Layout.Gdt + Layout.KernelDs);
            Enable(a, (0, ReadOrWrite, 8), (1, ReadOrWrite, 8));
            a.mov(rcx, Layout.Own);
            a.mov(__[rcx], eax);
            a.mov(ecx, Layout.KernelDs);
            a.mov(ds, ecx);
            guest.Exit();
        });

        Assert.Empty(DebugLog.Of(guest));
        Assert.Equal((ulong)(PageBits.A | PageBits.D), guest.Read(entry) & (ulong)(PageBits.A | PageBits.D));
    }

    [Theory]
    [EngineSettings]
    public void Gd_AtAnyDebugException_IsClearedForTheHandler(string engine)
    {
        using Guest guest = NewGuest(engine);
        guest.Long(a =>
        {
            Point(a, 0, Watched);
            a.mov(eax, (uint)(Dr7((0, Write, 8)) | X86.State.Dr7.GD));
            a.mov(dr7, rax);
            a.mov(__[Watched], eax);
            guest.Mark("after");
            a.mov(rax, dr7);
            a.mov(__[Layout.Data], rax);
            guest.Exit();
        });

        DebugLog e = Assert.Single(DebugLog.Of(guest));
        Assert.Equal((guest.At("after"), 1ul), (e.Rip, e.Dr6 & 0xE00F));
        Assert.Equal(Dr7((0, Write, 8)), guest.Read(Layout.Data));
    }

    private static Guest NewGuest(string engine)
    {
        var guest = new Guest(engine);
        DebugLog.Install(guest);
        return guest;
    }
}
