using Bulkhead.Translator.Interpret;
using Bulkhead.Translator.Tests.Verify;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Translator.Tests.State;

/// <summary>A vCPU that executes PAUSE again and again says so where vCPUs take turns by the count of instructions.</summary>
public sealed class SpinTests
{
    private const string PauseForEver = "F390 EBFC";
    private const ulong Each = 2 * Interpreter.PausesOfSpin; // with the jumps

    [Theory]
    [InlineData("count=on,verify=on")]
    [InlineData("count=on,verify=on,chain=off,max-block=1")]
    public void Pause_SoManyTimes_EndsTheTurnRightBehindIt(string options)
    {
        using VerifiedGuest guest = Spinning(options);

        for (ulong spins = 1; spins <= 3; spins++)
        {
            Assert.Equal(StopReason.Spin, guest.Run());
            Assert.Equal(VerifiedGuest.Code + 2, guest.Vcpu.Registers.Rip);
            Assert.Equal((spins * Each) - 1, guest.Vcpu.Instructions);
        }
    }

    [Fact]
    public void Pause_TurnsEndInBetween_CountsOn()
    {
        using VerifiedGuest guest = Spinning("count=on,verify=on");

        for (ulong at = 100; at < Each - 1; at += 100)
        {
            guest.Vcpu.InstructionLimit = at;
            Assert.Equal(StopReason.Budget, guest.Run());
        }

        guest.Vcpu.InstructionLimit = ulong.MaxValue;
        Assert.Equal(StopReason.Spin, guest.Run());
        Assert.Equal(Each - 1, guest.Vcpu.Instructions);
    }

    [Fact]
    public void Pause_SpinsWhereFlagsAreDead_LeavesThemExact()
    {
        // The XOR behind the PAUSE writes every flag: they are looked at only because the turn ends there.
        using VerifiedGuest guest = new("count=on,verify=on");
        guest.Write(VerifiedGuest.Code, "31C0 F9 F390 31DB EBF7".Replace(" ", ""));

        Assert.Equal(StopReason.Spin, guest.Run());
        Assert.Equal(0x47ul, guest.Vcpu.Registers.Rflags & 0xFF);
    }

    [Fact]
    public void Pause_NotCounted_GoesOn()
    {
        using VerifiedGuest guest = new("verify=on");
        guest.Write(VerifiedGuest.Code, "B900100000 F390 E2FC F4".Replace(" ", "")); // 4096 times, then HLT

        Assert.Equal(StopReason.Halt, guest.Run());
    }

    private static VerifiedGuest Spinning(string options)
    {
        var guest = new VerifiedGuest(options);
        guest.Write(VerifiedGuest.Code, PauseForEver.Replace(" ", ""));
        return guest;
    }
}
