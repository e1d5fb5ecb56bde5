using System.Runtime.CompilerServices;
using Bulkhead.Host.Time;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class TurnTimerTests
{
    [Fact]
    public void WireStructs_OfTheCLibrary_HaveItsSizes()
    {
        Assert.Equal(32, Unsafe.SizeOf<TimeCalls.TimerSpec>());
        Assert.Equal(64, Unsafe.SizeOf<TimeCalls.SignalEvent>());
        Assert.Equal(152, Unsafe.SizeOf<TimeCalls.SignalHandler>());
    }
}
