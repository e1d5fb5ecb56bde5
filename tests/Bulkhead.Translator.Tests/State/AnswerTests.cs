using Bulkhead.Translator.Tests.Differential;
using Bulkhead.Translator.Tests.Verify;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Translator.Tests.State;

/// <summary>Exits that are answered by a call from translated code.</summary>
public sealed unsafe class AnswerTests
{
    // in al, dx; mov al, [F0000000h]
    private const string Port = "EC", Mmio = "A0000000F0";

    // mov ecx, 1000; the read; dec ecx; jne back; hlt
    [Theory]
    [InlineData($"B9E8030000 {Port} 49 75FC F4", 0)]
    [InlineData($"B9E8030000 {Port} 49 75FC F4", 1)]
    [InlineData($"B9E8030000 {Mmio} 49 75F8 F4", 0)]
    [InlineData($"B9E8030000 {Mmio} 49 75F8 F4", 1)]
    public void Reads_InALoop_AreEachDoneOnce(string code, int others)
    {
        int reads = 0;
        using var guest = new VerifiedGuest("verify=on", others: others);
        guest.Write(VerifiedGuest.Code, code.Replace(" ", "", StringComparison.Ordinal));

        Assert.Equal(StopReason.Halt, guest.Run(new GuestIo { OnRead = () => (byte)++reads }, long.MaxValue));

        Assert.Equal(1000, reads);
        Assert.Equal(1000 & 0xFF, (byte)guest.Vcpu.Registers.Gpr[0]);
    }

    [Theory]
    [InlineData(Port, 0)]
    [InlineData(Port, 1)]
    [InlineData(Mmio, 0)]
    [InlineData(Mmio, 1)]
    public void Read_OfADeviceThatBreaks_StopsTheVcpuWithItsWords(string code, int others)
    {
        bool breaks = true;
        using var guest = new VerifiedGuest("", others: others);
        guest.Write(VerifiedGuest.Code, code + "F4");
        var io = new GuestIo { OnRead = () => breaks ? throw new InvalidOperationException("the device broke") : (byte)7 };

        Assert.Equal(StopReason.EngineError, guest.Run(io, long.MaxValue));
        Assert.Contains("the device broke", guest.Vcpu.StopDetail, StringComparison.Ordinal);

        breaks = false;
        Assert.Equal(StopReason.Halt, guest.Run(io, long.MaxValue));
        Assert.Equal(7, (byte)guest.Vcpu.Registers.Gpr[0]);
    }
}
