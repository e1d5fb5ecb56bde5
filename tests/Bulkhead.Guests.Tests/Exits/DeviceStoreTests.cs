using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Exits;

/// <summary>Stores to a device from the same place again and again: translated code goes on behind them.</summary>
public sealed class DeviceStoreTests
{
    private const int Rounds = 20;

    [Theory]
    [EngineSettings]
    public void Stores_InALoop_AreSeenOnceAndLeaveEverythingElse(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            // The registers that have no place of their own on the host among them.
            Label again = a.CreateLabel();
            a.mov(ebp, Rounds);
            a.mov(r8, rsp);
            a.mov(edi, 0);
            a.Label(ref again);
            a.mov(r9, Layout.Device);
            a.lea(r10, __[rbp + 0x100]);
            a.lea(r11, __[rbp + 0x200]);
            a.lea(rsp, __[rbp + 0x300]);
            a.vmovq(xmm15, r10);
            a.cmp(ebp, Rounds / 2);
            a.mov(__dword_ptr[r9], ebp);
            a.mov(__[r9 + 8], r10);
            a.mov(__[r9 + 16], r11w);
            a.mov(__[r9 + 24], rsp);
            a.mov(__byte_ptr[r9 + 32], 0x5A);
            a.vmovdqu(__[r9 + 48], xmm15);
            a.setg(al); // of CMP
            a.movzx(eax, al);
            a.add(edi, eax);
            a.add(rdi, r10);
            a.add(rdi, r11);
            a.add(rdi, rsp);
            a.dec(ebp);
            a.jne(again);
            a.mov(rsp, r8);
            a.mov(__[Layout.Data], rdi);
            guest.Exit();
        });

        List<(ulong Offset, int Size, bool Write, ulong Value)> wanted = [];
        ulong sum = Rounds / 2;
        for (ulong i = Rounds; i > 0; i--)
        {
            wanted.AddRange([(0, 4, true, i), (8, 8, true, 0x100 + i), (16, 2, true, 0x200 + i), (24, 8, true, 0x300 + i), (32, 1, true, 0x5A), (48, 8, true, 0x100 + i), (56, 8, true, 0)]);
            sum += 0x600 + (3 * i);
        }

        Assert.Equal(wanted, guest.Device.Accesses);
        Assert.Equal(sum, guest.Read(Layout.Data));
        Assert.Empty(guest.Events);
    }

    [Theory]
    [EngineSettings]
    public void Stores_WhileAnotherVcpuChangesCode_AreSeenOnce(string engine)
    {
        const int rounds = 20_000;
        const ulong other = Layout.Code + 0x4000, function = Layout.Code + 0x6000;
        using Guest guest = new(engine, vcpus: 2);
        guest.Place(64, function, a =>
        {
            a.mov(eax, 1);
            a.ret();
        });
        guest.Place(64, other, a =>
        {
            Label next = a.CreateLabel();
            a.Label(ref next);
            a.inc(ebp);
            a.mov(__dword_ptr[function + 1], ebp);
            a.call(function);
            a.jmp(next);
        });
        guest.EnterLong(1, other);
        guest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.mov(ebp, rounds);
            a.mov(rdi, Layout.Device);
            a.Label(ref again);
            a.mov(__dword_ptr[rdi], ebp);
            a.dec(ebp);
            a.jne(again);
            guest.Exit();
        });

        Assert.Equal(Enumerable.Range(1, rounds).Reverse(), guest.Device.Accesses.Select(static d => (int)d.Value));
    }

    [Theory]
    [EngineSettings]
    public void StoreThatRaisesAnInterrupt_HasItBeforeTheNextInstruction(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label again = a.CreateLabel();
            guest.EnableApic();
            a.sti();
            a.mov(ebp, Rounds);
            a.mov(r11d, (uint)Layout.LocalApic);
            a.mov(eax, 0x4_0055);
            a.Label(ref again);
            a.mov(__dword_ptr[r11 + 0x300], eax);
            guest.Mark("behind");
            a.mov(ebx, ebp);
            a.mov(__dword_ptr[r11 + 0xB0], ebx); // its end
            a.dec(ebp);
            a.jne(again);
            guest.Exit();
        });

        Assert.Equal(Rounds, guest.Events.Count);
        Assert.All(guest.Events, e => Assert.Equal((0x55, guest.At("behind")), (e.Vector, e.Rip)));
    }

    [Theory]
    [EngineSettings]
    public void StoreThatHasADeviceChangeTheCodeBehindIt_RunsTheNew(string engine)
    {
        using Guest guest = new(engine);
        ulong immediate = 0;
        guest.Device.OnWrite = (_, value) => guest.Write32(immediate, (uint)value);
        guest.Place(64, Layout.Code, a =>
        {
            Label again = a.CreateLabel();
            a.mov(ebp, Rounds);
            a.mov(esi, (int)Layout.Data);
            a.mov(rdi, Layout.Device);
            a.Label(ref again);
            a.mov(__[rdi], ebp);
            a.mov(eax, 0x1234_5678);
            guest.Mark("behind");
            a.mov(__[rsi], eax);
            a.add(rsi, 8);
            a.dec(ebp);
            a.jne(again);
            guest.Exit();
        });
        immediate = guest.At("behind") - 4;
        guest.EnterLong(0, Layout.Code);
        Assert.Equal(1, guest.Run().ExitCode);
        Assert.Equal(
            Enumerable.Range(1, Rounds).Reverse(),
            Enumerable.Range(0, Rounds).Select(i => (int)guest.Read(Layout.Data + (8 * (ulong)i))));
    }
}
