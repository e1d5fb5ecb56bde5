using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Tests.Verify;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Instructions;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Decode;

/// <summary>Bytes that are another instruction where a feature is missing.</summary>
public sealed unsafe class BlockReaderTests
{
    private const ulong Before = 0x1234_5678;

    [Theory]
    [InlineData("F30FBCC1", Mnemonic.Tzcnt, Mnemonic.Bsf)]
    [InlineData("F3480FBCC1", Mnemonic.Tzcnt, Mnemonic.Bsf)]
    [InlineData("F30FBDC1", Mnemonic.Lzcnt, Mnemonic.Bsr)]
    [InlineData("F3480FBD01", Mnemonic.Lzcnt, Mnemonic.Bsr)]
    [InlineData("0FBCC1", Mnemonic.Bsf, Mnemonic.Bsf)]
    [InlineData("F30F09", Mnemonic.Wbinvd, Mnemonic.Wbinvd)]
    [InlineData("F30FB8C1", Mnemonic.Popcnt, Mnemonic.Popcnt)]
    public void TryDecode_FeatureThereOrNot_IsWhatTheProcessorTakesItFor(string hex, Mnemonic with, Mnemonic without)
    {
        Assert.Equal(with, Decode(hex, static _ => true));
        Assert.Equal(without, Decode(hex, static _ => false));
    }

    // mov ecx, N; tzcnt eax, ecx (lzcnt); hlt
    [Theory]
    [InlineData("B900800000F30FBCC1F4", CpuFeature.Bmi1, 15, 15)]
    [InlineData("B900000000F30FBCC1F4", CpuFeature.Bmi1, 32, Before)]
    [InlineData("B900800000F30FBDC1F4", CpuFeature.Lzcnt, 16, 15)]
    [InlineData("B900000000F30FBDC1F4", CpuFeature.Lzcnt, 32, Before)]
    public void Run_FeatureThereOrNot_CountsOrScans(string hex, CpuFeature feature, ulong counted, ulong scanned)
    {
        Assert.SkipUnless(X86.Cpuid.CpuidPolicy.Create(X86.Cpuid.CpuModel.Host, 1, 0).Offers(feature), "The host has none.");
        Assert.Equal(counted, Run(hex, static _ => true));
        Assert.Equal(scanned, Run(hex, f => f != feature));
    }

    private static Mnemonic Decode(string hex, Func<CpuFeature, bool> offers)
    {
        var reader = new BlockReader(offers);
        byte* bytes = stackalloc byte[15];
        byte[] code = Convert.FromHexString(hex);
        code.CopyTo(new Span<byte>(bytes, 15));
        reader.Open(bytes, 64);
        Assert.True(reader.TryDecode(bytes, bytes + code.Length, 0x1000, out Instruction instruction));
        Assert.Equal(code.Length, instruction.Length);
        return instruction.Mnemonic;
    }

    private static ulong Run(string hex, Func<CpuFeature, bool> offers)
    {
        using var guest = new VerifiedGuest("", offers);
        guest.Write(VerifiedGuest.Code, hex);
        guest.Vcpu.Registers.Gpr[0] = Before;
        Assert.Equal(StopReason.Halt, guest.Run());
        return guest.Vcpu.Registers.Gpr[0];
    }
}
