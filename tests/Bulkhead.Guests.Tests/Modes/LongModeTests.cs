using Bulkhead.Guests.Tests.Harness;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Modes;

public sealed class LongModeTests
{
    [Theory]
    [EngineSettings]
    public void Breakpoint_InLongMode_IsLogged(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(rbx, 0x1234_5678_9ABCL);
            a.int3();
            guest.Mark("next");
            guest.Exit();
        });

        Assert.Equal(3, guest.Event.Vector);
        Assert.Equal(guest.At("next"), guest.Event.Rip);
        Assert.Equal(0x1234_5678_9ABCul, guest.Event.Rbx);
    }
}
