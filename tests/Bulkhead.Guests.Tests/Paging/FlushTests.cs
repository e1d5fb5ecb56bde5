using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Paging;

/// <summary>No translation survives what the architecture says ends it.</summary>
public sealed class FlushTests
{
    private const ulong Old = Layout.Free, New = Layout.Free + 0x20_0000;
    private const ulong NoFlush = 1ul << 63;

    [Theory]
    [EngineSettings]
    public void Invlpg_OfAPage_EndsItsTranslation(string engine) =>
        Remap(engine, Layout.Own, Layout.Own + 0x10, 12, PageBits.Kernel, a => a.invlpg(__[rdi]));

    [Theory]
    [EngineSettings]
    public void Invlpg_OfAGlobalPage_EndsItsTranslation(string engine) =>
        Remap(engine, Layout.Own, Layout.Own + 0x10, 12, PageBits.Kernel | PageBits.G, a => a.invlpg(__[rdi]));

    [Theory]
    [EngineSettings]
    public void Invlpg_OfAnyAddressInA2MPage_EndsAllOfIt(string engine) =>
        Remap(engine, Layout.Own, Layout.Own + 0x12_3456, 21, PageBits.Kernel, a => a.invlpg(__[rdi + 0x1F_F000]));

    [Theory]
    [EngineSettings]
    public void Invlpg_OfAnyAddressInA1GPage_EndsAllOfIt(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(Old + 0x10, 0xAAAA);
        guest.Write(0x10, 0xBBBB);
        ulong entry = guest.Pages.EntryAddress(0x80_0000_0000, 30);
        guest.Write(entry, (ulong)(PageBits.Kernel | PageBits.PS));
        guest.Long(a =>
        {
            a.mov(rdi, 0x80_0000_0000L);
            a.mov(rbx, __[rdi + (int)Old + 0x10]);
            a.mov(__[Layout.Data], rbx);
            a.mov(__qword_ptr[entry], 0);
            a.invlpg(__[rdi + 0x3000_0000]);
            guest.Catch("absent", () => a.mov(rbx, __[rdi + (int)Old + 0x10]));
            guest.Exit();
        });

        guest.Expect((14, 0, "absent"));
        Assert.Equal(0xAAAAul, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void MovToCr3_OfAnyPage_EndsIt(string engine) =>
        Remap(engine, Layout.Own, Layout.Own + 0x10, 12, PageBits.Kernel, a =>
        {
            a.mov(rax, cr3);
            a.mov(cr3, rax);
        });

    [Theory]
    [EngineSettings]
    public void ClearingPge_OfAGlobalPage_EndsIt(string engine) =>
        Remap(engine, Layout.Own, Layout.Own + 0x10, 12, PageBits.Kernel | PageBits.G, a =>
        {
            a.mov(rax, cr4);
            a.btr(rax, 7);
            a.mov(cr4, rax);
            a.bts(rax, 7);
            a.mov(cr4, rax);
        });

    [Theory]
    [EngineSettings]
    public void Invlpg_OfTheStacksPage_EndsItForPushAndPop(string engine)
    {
        using Guest guest = new(engine);
        guest.Pages.Map(Layout.Own, Old);
        ulong entry = guest.Pages.EntryAddress(Layout.Own, 12);
        guest.Write(New + 0xFF8, 0xBBBB);
        guest.Long(a =>
        {
            a.mov(rbx, rsp);
            a.mov(rsp, Layout.Own + 0x1000);
            a.push(1);
            a.mov(__dword_ptr[entry], (int)(New | (ulong)PageBits.Kernel));
            a.invlpg(__[rsp]);
            a.pop(rax);
            a.push(2);
            a.mov(rsp, rbx);
            a.mov(__[Layout.Data], rax);
            guest.Exit();
        });

        Assert.Equal((0xBBBBul, 1ul, 2ul), (guest.Read(Layout.Data), guest.Read(Old + 0xFF8), guest.Read(New + 0xFF8)));
    }

    [Theory]
    [EngineSettings]
    public void NonCanonicalAddresses_ThatStandForNoPage_Fault(string engine)
    {
        const ulong Nowhere = 1ul << 62;
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(rbx, rsp);
            guest.Catch("load", () => a.mov(rax, __qword_ptr[Nowhere]));
            guest.Catch("store", () => a.mov(__qword_ptr[Nowhere + 8], rax));
            a.mov(rsp, Nowhere + 0x100);
            guest.Catch("push", () => a.push(rax));
            guest.Catch("pop", () => a.pop(rax));
            a.mov(rsp, rbx);
            guest.Exit();
        });

        guest.Expect((13, 0, "load"), (13, 0, "store"), (12, 0, "push"), (12, 0, "pop"));
    }

    [Theory]
    [EngineSettings]
    public void MovToCr3_WithAnotherSecondPageOfAnInstruction_IsFollowed(string engine)
    {
        using Guest guest = new(engine);
        guest.Pages.Map(Layout.Own, Old);
        guest.Pages.Map(Layout.Own + 0x1000, Old + 0x1000);
        ulong entry = guest.Pages.EntryAddress(Layout.Own + 0x1000, 12);
        guest.Write(Old + 0xFF8, 0xB8ul << 48); // MOV EAX, imm32 from FFE on: one byte of the immediate here, three there
        guest.Write(Old + 0x1000, 0xC3_000000);
        guest.Write(New + 0x1000, 0xC3_000001);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.xor(ebx, ebx);
            a.mov(rdi, Layout.Own + 0xFFE);
            a.mov(ecx, 4);
            a.Label(ref loop);
            a.call(rdi);
            a.lea(rbx, __[rax + rbx * 2]);
            a.xor(__dword_ptr[entry], (int)((Old ^ New)));
            a.mov(rdx, cr3);
            a.mov(cr3, rdx);
            a.dec(ecx);
            a.jne(loop);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
        });

        Assert.Equal(0b0101ul << 8, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void TogglingPg_OfAnyPage_EndsIt(string engine)
    {
        using Guest guest = new(engine);
        Fill(guest);
        guest.Pages.Map(0x6000_0000, Old);
        ulong entry = guest.Pages.EntryAddress(0x6000_0000, 12);
        guest.Place(32, Layout.Code32, a =>
        {
            a.mov(eax, cr0);
            a.btr(eax, 31);
            a.mov(cr0, eax);
            a.mov(__dword_ptr[entry], (int)(New | (ulong)PageBits.Kernel));
            a.bts(eax, 31);
            a.mov(cr0, eax);
            a.mov(eax, __[0x6000_0010]);
            a.mov(__[Layout.Data + 8], eax);
            guest.Exit();
        });
        guest.Long(a =>
        {
            a.mov(eax, __[0x6000_0010]);
            a.mov(__[Layout.Data], eax);
            a.push(Layout.Code32Cs);
            a.push((int)Layout.Code32);
            a.db(0x48, 0xCB);
        });

        Assert.Equal((0xAAAAul, 0xBBBBul), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
    }

    [Theory]
    [EngineSettings]
    public void Present_SetAfterAFault_NeedsNoFlush(string engine)
    {
        using Guest guest = new(engine);
        Fill(guest);
        ulong entry = guest.Pages.EntryAddress(Layout.Own, 12);
        guest.Long(a =>
        {
            a.mov(rdi, Layout.Own);
            guest.Catch("absent", () => a.mov(rbx, __[rdi]));
            a.mov(__qword_ptr[entry], (int)(Old | (ulong)PageBits.P));
            a.mov(rbx, __[rdi + 0x10]);
            a.mov(__[Layout.Data], rbx);
            guest.Catch("read-only", () => a.mov(__[rdi + 0x20], rbx));
            a.or(__dword_ptr[entry], 2); // and more rights after a fault need none either
            a.mov(__[rdi + 0x20], rbx);
            guest.Exit();
        });

        guest.Expect((14, 0, "absent"), (14, 3, "read-only"));
        Assert.Equal((0xAAAAul, 0xAAAAul), (guest.Read(Layout.Data), guest.Read(Old + 0x20)));
    }

    [Theory]
    [EngineSettings]
    public void Rights_TakenAndFlushed_AreGoneForDataAndCode(string engine)
    {
        using Guest guest = new(engine);
        guest.Pages.Map(Layout.Own, Old);
        ulong entry = guest.Pages.EntryAddress(Layout.Own, 12);
        guest.Write(Old, 0xC3);
        guest.CatchAt(Layout.Own, "after call");
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.mov(rdi, Layout.Own);
            a.mov(ecx, 3);
            a.Label(ref loop);
            a.call(rdi);
            a.mov(__[rdi + 8], rcx);
            a.dec(ecx);
            a.jne(loop);
            a.and(__dword_ptr[entry], ~2);
            a.invlpg(__[rdi]);
            guest.Catch("write", () => a.mov(__[rdi + 8], rcx));
            a.call(rdi);
            a.mov(rax, (ulong)PageBits.NX);
            a.or(__[entry], rax);
            a.invlpg(__[rdi]);
            a.mov(rbx, __[rdi + 8]);
            a.mov(r15, rsp);
            a.call(rdi);
            guest.Mark("after call");
            a.mov(rsp, r15);
            guest.Exit();
        });

        Assert.Equal([(14, 3ul, guest.At("write")), (14, 0x11ul, Layout.Own)], guest.Events.Select(e => (e.Vector, e.ErrorCode, e.Rip)));
    }

    [Theory]
    [EngineSettings]
    public void Pcids_WithTablesOfTheirOwn_SeeTheirOwnPages(string engine)
    {
        using Guest guest = new(engine);
        PageTables second = TwoSpaces(guest);
        guest.Long(a =>
        {
            EnablePcid(a);
            a.mov(rdi, Layout.Own + 0x10);
            a.mov(rbx, Layout.Data);
            for (int round = 0; round < 3; round++)
            {
                ulong keep = round == 0 ? 0 : NoFlush;
                Space(a, guest.Pages.Root | 1 | keep);
                Take(a);
                Space(a, second.Root | 2 | keep);
                Take(a);
            }

            a.mov(rax, cr3);
            a.mov(__[rbx], rax);
            guest.Exit();
        });

        Assert.Equal([0xAAAAul, 0xBBBB, 0xAAAA, 0xBBBB, 0xAAAA, 0xBBBB], Enumerable.Range(0, 6).Select(i => guest.Read(Layout.Data + (8 * (ulong)i))));
        Assert.Equal(second.Root | 2, guest.Read(Layout.Data + 48));
    }

    [Theory]
    [EngineSettings]
    public void Pcid_LoadedWithoutNoFlush_IsFlushed(string engine) => Stale(engine, (_, first) => first | 1);

    [Theory]
    [EngineSettings]
    public void InvpcidAddress_OfAnotherPcid_EndsThatPage(string engine) => Stale(engine, (a, first) => Invpcid(a, first, 0));

    [Theory]
    [EngineSettings]
    public void InvpcidSingle_OfAnotherPcid_EndsItsPages(string engine) => Stale(engine, (a, first) => Invpcid(a, first, 1));

    [Theory]
    [EngineSettings]
    public void InvpcidAllWithGlobal_EndsEverything(string engine) => Stale(engine, (a, first) => Invpcid(a, first, 2), PageBits.G);

    [Theory]
    [EngineSettings]
    public void InvpcidAll_EndsWhatIsNotGlobal(string engine) => Stale(engine, (a, first) => Invpcid(a, first, 3));

    /// <summary>Reads a page under PCID 1, changes it under PCID 2, does something, and reads it under PCID 1 again.</summary>
    private static void Stale(string engine, Func<Assembler, ulong, ulong> flush, PageBits more = PageBits.None)
    {
        using Guest guest = new(engine);
        PageTables second = TwoSpaces(guest);
        guest.Pages.Map(Layout.Own, Old, PageBits.Kernel | more);
        ulong entry = guest.Pages.EntryAddress(Layout.Own, 12);
        guest.Long(a =>
        {
            EnablePcid(a);
            a.mov(rdi, Layout.Own + 0x10);
            a.mov(rbx, Layout.Data);
            Space(a, guest.Pages.Root | 1);
            Take(a);
            Space(a, second.Root | 2);
            a.mov(__qword_ptr[entry], (int)(New | (ulong)(PageBits.Kernel | more)));
            ulong load = flush(a, guest.Pages.Root);
            Space(a, load);
            Take(a);
            guest.Exit();
        });

        Assert.Equal((0xAAAAul, 0xBBBBul), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
    }

    private static ulong Invpcid(Assembler a, ulong root, int type)
    {
        a.mov(__qword_ptr[Layout.Data + 0x100], 1);
        a.mov(rax, Layout.Own);
        a.mov(__[Layout.Data + 0x108], rax);
        a.mov(eax, type);
        a.invpcid(rax, __[Layout.Data + 0x100]);
        return root | 1 | NoFlush;
    }

    private static void Take(Assembler a)
    {
        a.mov(rax, __[rdi]);
        a.mov(__[rbx], rax);
        a.add(rbx, 8);
    }

    private static void Space(Assembler a, ulong value)
    {
        a.mov(rax, value);
        a.mov(cr3, rax);
    }

    private static void EnablePcid(Assembler a)
    {
        a.mov(rax, cr4);
        a.or(rax, (int)Cr4.PCIDE);
        a.mov(cr4, rax);
    }

    private static PageTables TwoSpaces(Guest guest)
    {
        Fill(guest);
        guest.Pages.Map(Layout.Own, Old);
        PageTables second = guest.NewTables();
        second.Map(Layout.Own, New);
        return second;
    }

    private static void Fill(Guest guest)
    {
        guest.Write(Old + 0x10, 0xAAAA);
        guest.Write(New + 0x10, 0xBBBB);
    }

    /// <summary>Reads, writes and reads; maps the page elsewhere; flushes; and everything has to go there.</summary>
    private static void Remap(string engine, ulong page, ulong address, int shift, PageBits bits, Action<Assembler> flush)
    {
        using Guest guest = new(engine);
        ulong offset = address - page;
        guest.Write(Old + offset, 0xAAAA);
        guest.Write(New + offset, 0xBBBB);
        guest.Pages.Map(page, Old, bits, shift);
        ulong entry = guest.Pages.EntryAddress(page, shift);
        ulong next = New | (ulong)bits | (shift > 12 ? (ulong)PageBits.PS : 0);
        guest.Long(a =>
        {
            a.mov(rdi, page);
            a.mov(rsi, address);
            a.mov(rbx, __[rsi]);
            a.mov(__[Layout.Data], rbx);
            a.mov(__[rsi + 8], rbx);
            a.mov(rax, next);
            a.mov(__[entry], rax);
            flush(a);
            a.mov(rbx, __[rsi]);
            a.mov(__[Layout.Data + 8], rbx);
            a.mov(__[rsi + 8], rbx);
            guest.Exit();
        });

        Assert.Equal((0xAAAAul, 0xBBBBul), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
        Assert.Equal((0xAAAAul, 0xBBBBul), (guest.Read(Old + offset + 8), guest.Read(New + offset + 8)));
    }
}
