using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Attacks;

/// <summary>What return stacks, jump tables and links might get wrong.</summary>
public sealed class ControlFlowTests
{
    private const ulong Secret = Layout.Code + 0x2000;

    [Theory]
    [EngineSettings]
    public void UserCode_IntoATranslatedSupervisorBlock_Faults(string engine)
    {
        using Guest guest = new(engine);
        foreach (string kind in (string[])["call", "jmp", "ret"])
        {
            guest.CatchAt(Secret + (kind == "call" ? 0u : kind == "jmp" ? 0x100u : 0x200u), $"after {kind}", user: true);
        }

        for (ulong i = 0; i < 3; i++)
        {
            guest.Place(64, Secret + (0x100 * i), a =>
            {
                a.inc(__dword_ptr[Layout.Data]);
                a.ret();
            });
        }

        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.mov(ecx, 10);
            a.Label(ref loop);
            a.call(Secret);
            a.call(Secret + 0x100);
            a.mov(eax, (int)Secret + 0x200);
            a.call(rax);
            a.dec(ecx);
            a.jne(loop);
            guest.ToUser();
            a.mov(r15, rsp);
            a.mov(eax, (int)Secret);
            a.call(rax);
            guest.Mark("after call");
            a.nop();
            a.mov(rsp, r15);
            a.mov(eax, (int)Secret + 0x100);
            a.jmp(rax);
            guest.Mark("after jmp");
            a.push((int)Secret + 0x200);
            a.ret();
            guest.Mark("after ret");
            guest.UserExit();
        });

        Assert.Equal(30ul, guest.Read(Layout.Data));
        Assert.Equal(
            [(14, 0x15ul, Secret, Secret), (14, 0x15ul, Secret + 0x100, Secret + 0x100), (14, 0x15ul, Secret + 0x200, Secret + 0x200)],
            guest.Events.Select(e => (e.Vector, e.ErrorCode, e.Rip, e.Cr2)));
    }

    [Theory]
    [EngineSettings]
    public void CallPop_AMillionTimes_EndsWithItsStackWhereItWas(string engine)
    {
        int rounds = engine.Contains("off", StringComparison.Ordinal) || engine.Contains('1', StringComparison.Ordinal) ? 50_000 : 1_000_000;
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel(), next = a.CreateLabel();
            a.mov(ecx, rounds);
            a.Label(ref loop);
            a.call(next);
            a.Label(ref next);
            guest.Mark("next");
            a.pop(rax);
            a.dec(ecx);
            a.jne(loop);
            a.mov(__[Layout.Data], rax);
            a.mov(__[Layout.Data + 8], rsp);
            guest.Exit();
        });

        Assert.Equal((guest.At("next"), Layout.StackOf(0)), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
    }

    [Theory]
    [EngineSettings]
    public void Recursion_OfAHundredThousand_Returns(string engine)
    {
        const int depth = 100_000;
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label f = a.CreateLabel(), leaf = a.CreateLabel();
            a.mov(rsp, Layout.Ram);
            a.mov(ecx, depth);
            a.xor(ebx, ebx);
            a.call(f);
            a.mov(__[Layout.Data], rbx);
            a.mov(__[Layout.Data + 8], rsp);
            guest.Exit();
            a.Label(ref f);
            a.dec(ecx);
            a.je(leaf);
            a.call(f);
            a.Label(ref leaf);
            a.inc(rbx);
            a.ret();
        });

        Assert.Equal(((ulong)depth, Layout.Ram), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
    }

    [Theory]
    [EngineSettings]
    public void Returns_UnbalancedAndRedirected_GoWhereTheStackSays(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel(), deep = a.CreateLabel(), jump = a.CreateLabel(), back = a.CreateLabel(), f = a.CreateLabel(), elsewhere = a.CreateLabel(),
                next = a.CreateLabel(), g = a.CreateLabel(), swap = a.CreateLabel();
            a.xor(ebx, ebx);
            a.mov(ebp, 50);
            a.Label(ref loop);

            // Out of 30 calls at once.
            a.mov(r15, rsp);
            a.mov(ecx, 30);
            a.call(deep);
            a.hlt();
            a.Label(ref deep);
            a.dec(ecx);
            a.je(jump);
            a.call(deep);
            a.hlt();
            a.Label(ref jump);
            a.mov(rsp, r15);
            a.inc(rbx);
            a.Label(ref back);

            // A return address changed by the callee.
            a.lea(rdx, __[elsewhere]);
            a.call(f);
            a.hlt();
            a.Label(ref f);
            a.mov(__[rsp], rdx);
            a.ret();
            a.Label(ref elsewhere);
            a.inc(rbx);

            // A RET without a CALL, then two callers' returns in the other order.
            a.lea(rax, __[next]);
            a.push(rax);
            a.ret();
            a.Label(ref next);
            a.call(g);
            a.inc(rbx);
            a.dec(ebp);
            a.jne(loop);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
            a.Label(ref g);
            a.call(swap);
            a.inc(rbx);
            a.ret();
            a.Label(ref swap);
            a.ret(0);
        });

        Assert.Equal(200ul, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void PositionDependentCode_UnderTwoAddresses_SeesItsOwn(string engine)
    {
        using Guest guest = new(engine);
        guest.Pages.Map(Layout.Own, Layout.Free);
        guest.Pages.Map(Layout.Own + 0x7000, Layout.Free);
        Assert.True(guest.Memory.TryWrite(new(Layout.Free), Guest.Bytes(64, Layout.Own, a =>
        {
            Label here = a.CreateLabel(), data = a.CreateLabel();
            a.call(here);
            a.Label(ref here);
            a.pop(rax);
            a.lea(rbx, __[data]);
            a.sub(rbx, rax);
            a.mov(ecx, __dword_ptr[data]);
            a.ret();
            a.Label(ref data);
            a.dd(0x1234);
        })));
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.mov(rsi, Layout.Own);
            a.mov(rdi, Layout.Own + 0x7000);
            a.mov(ebp, 10);
            a.Label(ref loop);
            a.call(rsi);
            a.mov(__[Layout.Data], rax);
            a.mov(__[Layout.Data + 8], rcx);
            a.call(rdi);
            a.mov(__[Layout.Data + 16], rax);
            a.mov(__[Layout.Data + 24], rcx);
            a.dec(ebp);
            a.jne(loop);
            guest.Exit();
        });

        Assert.Equal((Layout.Own + 5, 0x1234ul), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
        Assert.Equal((Layout.Own + 0x7005, 0x1234ul), (guest.Read(Layout.Data + 16), guest.Read(Layout.Data + 24)));
    }

    [Theory]
    [EngineSettings]
    public void Instruction_IntoAPageItMayNotUse_FaultsOnThatPage(string engine)
    {
        using Guest guest = new(engine);
        (string Name, PageBits Bits, ulong Error)[] second =
        [
            ("absent", PageBits.None, 0x14), ("nx", PageBits.User | PageBits.NX, 0x15), ("supervisor", PageBits.Kernel, 0x15),
        ];
        for (int i = 0; i < second.Length; i++)
        {
            ulong page = Layout.Own + ((ulong)i * 0x2000);
            guest.Pages.Map(page, Layout.Free + ((ulong)i * 0x2000), PageBits.User);
            guest.Pages.Map(page + 0x1000, Layout.Free + ((ulong)i * 0x2000) + 0x1000, second[i].Bits);
            guest.CatchAt(page + 0xFFD, second[i].Name, user: true);
            byte[] code = Guest.Bytes(64, page + 0xFFD, a =>
            {
                a.mov(eax, 0x55);
                a.ret();
            });
            Assert.True(guest.Memory.TryWrite(new(Layout.Free + ((ulong)i * 0x2000) + 0xFFD), code));
        }

        guest.Long(a =>
        {
            a.mov(ecx, 3);
            guest.ToUser();
            a.mov(r15, rsp);
            a.xor(eax, eax);
            for (int i = 0; i < second.Length; i++)
            {
                a.mov(rdi, Layout.Own + ((ulong)i * 0x2000) + 0xFFD);
                a.call(rdi);
                guest.Mark(second[i].Name);
                a.mov(rsp, r15);
            }

            guest.UserExit();
        });

        Assert.Equal(
            second.Select((s, i) => (14, s.Error, Layout.Own + ((ulong)i * 0x2000) + 0xFFD, Layout.Own + ((ulong)i * 0x2000) + 0x1000)),
            guest.Events.Select(e => (e.Vector, e.ErrorCode, e.Rip, e.Cr2)));
        Assert.All(guest.Events, e => Assert.Equal(0ul, e.Rax));
    }
}
