using Bulkhead.Translator.Tests.Differential;
using Bulkhead.Translator.Tests.Verify;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Translator.Tests.State;

/// <summary>Which turn a request to end one ends.</summary>
public sealed class TurnTests
{
    [Fact]
    public void EndTurn_BeforeTheTurn_EndsItAtOnce()
    {
        using VerifiedGuest guest = Halting();

        guest.Vcpu.EndTurn();

        Assert.Equal(StopReason.Kicked, guest.Run());
        Assert.Equal(VerifiedGuest.Code, guest.Vcpu.Registers.Rip);
        Assert.Equal(StopReason.Halt, guest.Run());
    }

    [Fact]
    public void EndTurn_WhileTheTurnIsEnding_LeavesTheNextOneAlone()
    {
        using VerifiedGuest guest = Halting();
        var late = new GuestIo { OnClock = guest.Vcpu.EndTurn }; // the clock is read once it was looked whether the turn ends

        guest.Vcpu.Kick();

        Assert.Equal(StopReason.Budget, guest.Run(late, untilNs: 0));
        Assert.Equal(StopReason.Halt, guest.Run());
    }

    [Fact]
    public void EndAskedNs_OfATurnThatWasEnded_IsKnown_AndOfNoOther()
    {
        using VerifiedGuest guest = Halting();

        guest.Vcpu.EndTurn();

        Assert.Equal(StopReason.Kicked, guest.Run());
        Assert.InRange(guest.Vcpu.EndAskedNs, 1, System.Diagnostics.Stopwatch.GetTimestamp());
        Assert.Equal(StopReason.Halt, guest.Run());
        Assert.Equal(0, guest.Vcpu.EndAskedNs);
    }

    private static VerifiedGuest Halting()
    {
        var guest = new VerifiedGuest("");
        guest.Write(VerifiedGuest.Code, "F4");
        return guest;
    }
}
