using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Interrupts;

public sealed class NmiTests
{
    private const ulong Count = Layout.Data, Nested = Layout.Data + 8, Returns = Layout.Data + 0x10;

    [Theory]
    [EngineSettings]
    public void Nmi_InItsHandler_WaitsForIretAndComesOnce(string engine)
    {
        using Guest guest = Prepare(engine, static (_, a) => a.nop());

        Assert.Equal(2ul, guest.Read(Count)); // two more were asked for, one is kept
        Assert.Equal(1ul, guest.Read(Nested));
        Assert.Equal(guest.At("after the first"), guest.Read(Returns));
        Assert.Equal(guest.At("after the first"), guest.Read(Returns + 8));
    }

    [Theory]
    [EngineSettings]
    public void Nmi_AfterTheIretOfAnotherException_ComesInsideTheHandler(string engine)
    {
        using Guest guest = Prepare(engine, static (_, a) => a.int3());

        Assert.Equal(2ul, guest.Read(Count));
        Assert.Equal(2ul, guest.Read(Nested));
        Assert.Equal(guest.At("after the inner"), guest.Read(Returns + 8));
    }

    /// <summary>An NMI handler that asks for two more, does something, and sees how many came.</summary>
    private static Guest Prepare(string engine, Action<Guest, Assembler> inner)
    {
        Guest guest = new(engine);
        guest.Device.OnWrite = (_, _) => guest.Slot().Nmi();
        guest.Gate(2, Layout.Code + 0x1000);
        guest.Place(64, Layout.Code + 0x1000, a =>
        {
            Label again = a.CreateLabel();
            a.push(rax);
            a.push(rbx);
            a.mov(eax, __[Count]);
            a.mov(rbx, __[rsp + 16]);
            a.mov(__[(rax * 8) + (int)Returns], rbx);
            a.inc(__dword_ptr[Count]);
            a.test(eax, eax);
            a.jne(again);
            a.mov(ebx, (uint)Layout.Device);
            a.mov(__[rbx], eax);
            a.mov(__[rbx], eax);
            a.nop();
            inner(guest, a);
            guest.Mark("after the inner");
            a.nop();
            a.mov(eax, __[Count]);
            a.mov(__[Nested], eax);
            a.Label(ref again);
            a.pop(rbx);
            a.pop(rax);
            a.iretq();
        });
        guest.Long(a =>
        {
            a.mov(ebx, (uint)Layout.Device);
            a.mov(__[rbx], eax);
            guest.Mark("after the first");
            a.nop();
            a.nop();
            guest.Exit();
        });
        return guest;
    }
}
