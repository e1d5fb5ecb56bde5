using Bulkhead.Host.Time;
using Bulkhead.Translator.Tests.Differential;
using Bulkhead.Translator.Tests.Verify;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Translator.Tests.State;

/// <summary>What the sampling signal finds.</summary>
public sealed class SampleTests
{
    // inc eax; jmp to it; in both kinds of blocks.
    private const string Loop = "40 EB FD";

    [Theory]
    [InlineData("sample=on")]
    [InlineData("sample=on,long-blocks=off")]
    public void Signal_GuestInALoop_IsFoundThere(string options)
    {
        using var guest = new VerifiedGuest(options);
        guest.Write(VerifiedGuest.Code, Loop.Replace(" ", "", StringComparison.Ordinal));
        TurnTimer.Install(TurnTimer.SampleSignal, TranslatorEngine.SampleHandler);
        VcpuProfile profile = guest.Vcpu.Profile!;

        using (TurnTimer timer = TurnTimer.Sampling())
        using (new TurnEnder(5, guest.Vcpu))
        {
            timer.Aim(guest.Vcpu.TurnCell);
            while (profile.Places.Count == 0)
            {
                Assert.Equal(StopReason.Kicked, guest.Run());
            }
        }

        Assert.All(profile.Places.Keys, static rip => Assert.InRange(rip, VerifiedGuest.Code, VerifiedGuest.Code + 1));
        Assert.True(profile[VcpuActivity.Guest] >= profile.Places.Values.Sum());
    }

    [Fact]
    public void Profile_NotAskedFor_IsNotKept()
    {
        using var guest = new VerifiedGuest("");

        Assert.Null(guest.Vcpu.Profile);
    }
}
