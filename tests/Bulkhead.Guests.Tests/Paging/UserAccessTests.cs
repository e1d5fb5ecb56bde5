using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Paging;

/// <summary>With SMAP, a kernel touches user pages between STAC and CLAC, whoever calls whom meanwhile and returns from where.</summary>
public sealed class UserAccessTests
{
    private const int Rounds = 300;
    private const ulong UserPage = Layout.User + Layout.Free;

    [Theory]
    [EngineSettings]
    public void StacAndClac_WithCallsAndReturnsAcrossThem_OpenAndCloseUserPages(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(Layout.Free, 7);
        guest.Long(a =>
        {
            Label round = a.CreateLabel(), outer = a.CreateLabel(), inner = a.CreateLabel(), reader = a.CreateLabel(), opens = a.CreateLabel(), closes = a.CreateLabel(), over = a.CreateLabel();
            a.mov(rax, cr4);
            a.or(rax, (int)Cr4.SMAP);
            a.mov(cr4, rax);
            a.xor(ebx, ebx);
            a.mov(ebp, Rounds);
            a.mov(rsi, UserPage);
            a.Label(ref round);
            a.call(outer);
            a.call(opens);
            a.add(ebx, __dword_ptr[rsi]);
            a.call(closes);
            guest.Catch(() => a.add(ebx, __dword_ptr[rsi]));
            a.clac();
            guest.Catch(() => a.add(ebx, __dword_ptr[rsi]));
            a.cmp(ebx, ebx); // flags live across
            a.stac();
            a.stac();
            a.jne(over);
            a.add(ebx, __dword_ptr[rsi]);
            a.pushfq();
            a.pop(rax);
            a.clac();
            a.pushfq();
            a.xor(rax, __[rsp]);
            a.pop(rcx);
            a.and(eax, (int)Rflags.AC);
            a.add(r8, rax);
            a.Label(ref over);
            a.dec(ebp);
            a.jne(round);
            a.mov(__[Layout.Data], rbx);
            a.mov(__[Layout.Data + 8], r8);
            a.mov(__[Layout.Data + 16], rsp);
            guest.Exit();

            a.Label(ref outer);
            a.call(inner);
            a.ret();
            a.Label(ref inner);
            a.stac();
            a.call(reader);
            a.clac();
            a.ret();
            a.Label(ref reader);
            a.add(ebx, __dword_ptr[rsi]);
            a.ret();
            a.Label(ref opens);
            a.stac();
            a.ret();
            a.Label(ref closes);
            a.clac();
            a.ret();
        });

        Assert.Equal(3 * 7 * Rounds, (int)guest.Read(Layout.Data));
        Assert.Equal((ulong)Rounds * Rflags.AC, guest.Read(Layout.Data + 8));
        Assert.Equal(Layout.StackOf(0), guest.Read(Layout.Data + 16));
        Assert.Equal(2 * Rounds, guest.Events.Count);
        Assert.All(guest.Events, static e => Assert.Equal((14, 1ul, UserPage), (e.Vector, e.ErrorCode, e.Cr2)));
    }
}
