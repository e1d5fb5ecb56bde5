using Bulkhead.Translator.Verify;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>The second decoder against Iced.</summary>
public sealed class HostDecoderTests
{
    [Fact]
    public void TryDecode_RandomBytes_AgreesWithIcedOnLength()
    {
        var random = new Random(3);
        byte[] code = new byte[16];
        int known = 0;
        for (int round = 0; round < 1_000_000; round++)
        {
            random.NextBytes(code);
            int prefixes = random.Next(3);
            for (int k = 0; k < prefixes; k++)
            {
                code[k] = ((ReadOnlySpan<byte>)[0x66, 0xF2, 0xF3, 0x48, 0x41, 0x0F, 0x65, 0xC4, 0xC5, 0xF0, 0x67])[random.Next(11)];
            }

            Instruction iced = Decoder.Create(64, code).Decode();
            if (!iced.IsInvalid && HostDecoder.TryDecode(code, out HostInstruction own))
            {
                known++;
                Assert.True(own.Length == iced.Length, $"{Convert.ToHexString(code)} {iced}: {own.Length}");
            }
        }

        Assert.True(known > 500_000, $"{known}");
    }

    [Fact]
    public void TryDecode_EveryCarriedRow_IsKnown()
    {
        foreach (Code code in Differential.CaseRows.All)
        {
            byte[] bytes = Differential.CaseGenerator.Create(1, code).Bytes;

            Assert.True(HostDecoder.TryDecode(bytes, out HostInstruction own) && own.Length == bytes.Length, $"{code} {Convert.ToHexString(bytes)}");
        }
    }

    [Theory]
    [InlineData("488B4C2408", 4, -1, 8)]
    [InlineData("4F8B9C8A10000000", 10, 9, 16)]
    [InlineData("658B042510000000", -1, -1, 16)]
    [InlineData("488B0510000000", HostInstruction.Rip, -1, 16)]
    public void TryDecode_MemoryOperand_IsTakenApart(string hex, int @base, int index, int displacement)
    {
        Assert.True(HostDecoder.TryDecode(Convert.FromHexString(hex), out HostInstruction own));
        Assert.Equal((@base, index, displacement, hex.Length / 2), (own.Base, own.Index, own.Displacement, own.Length));
    }
}
