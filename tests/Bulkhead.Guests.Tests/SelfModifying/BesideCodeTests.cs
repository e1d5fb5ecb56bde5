using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.Engine;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.SelfModifying;

/// <summary>Data in the page of the code that uses them: stores take effect and leave the code; a store to the code still changes it.</summary>
public sealed class BesideCodeTests
{
    private const int Rounds = 1000;
    private const ulong Function = Layout.Code + 0x2000;
    private const ulong Data = Function + 0x800;

    [Theory]
    [EngineSettings]
    public void Stores_OfEveryKind_TakeEffectAndKeepTheCode(string engine)
    {
        using Guest guest = new(engine);
        guest.Place(64, Function, a =>
        {
            a.mov(__[Data], ecx);
            a.add(__dword_ptr[Data + 8], 1);
            a.@lock.xadd(__dword_ptr[Data + 16], ecx);
            a.push(rcx);
            a.pop(__qword_ptr[Data + 24]);
            a.mov(edi, (int)Data + 32);
            a.mov(eax, 7);
            a.stosd();
            a.mov(ecx, 3);
            a.rep.stosb();
            a.sidt(__[Data + 48]);
            a.ret();
        });
        guest.Long(a =>
        {
            Label next = a.CreateLabel();
            a.mov(ebp, Rounds);
            a.Label(ref next);
            a.mov(ecx, ebp);
            a.call(Function);
            a.dec(ebp);
            a.jne(next);
            guest.Exit();
        });

        Assert.Equal(1ul, guest.Read(Data) & 0xFFFF_FFFF);
        Assert.Equal((ulong)Rounds, guest.Read(Data + 8));
        Assert.Equal((ulong)(Rounds * (Rounds + 1) / 2), guest.Read(Data + 16) & 0xFFFF_FFFF);
        Assert.Equal(0x0007_0707_0000_0007ul, guest.Read(Data + 32));
        Assert.InRange(guest.Slot().Exits[ExitReason.CodeWrite], 1, 100);
    }

    [Theory]
    [EngineSettings]
    public void Store_ToTheCodeAfterManyBesideIt_TakesEffect(string engine)
    {
        using Guest guest = new(engine);
        guest.Place(64, Function, a =>
        {
            a.mov(__[Data], ecx);
            a.mov(eax, 0x1234_5678);
            a.ret();
        });
        ulong immediate = Function;
        while (guest.Read(immediate) is var bytes && (uint)bytes != 0x1234_5678)
        {
            immediate++;
        }

        guest.Long(a =>
        {
            Label next = a.CreateLabel();
            a.mov(ebp, Rounds);
            a.xor(ebx, ebx);
            a.Label(ref next);
            a.mov(ecx, ebp);
            a.mov(__dword_ptr[immediate], ebp);
            a.call(Function);
            a.add(rbx, rax);
            a.call(Function);
            a.add(rbx, rax);
            a.dec(ebp);
            a.jne(next);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
        });

        Assert.Equal((ulong)Rounds * (Rounds + 1), guest.Read(Layout.Data));
    }
}
