using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class FootprintDecimalTests
{
    private const ulong AfCf = Rflags.AF | Rflags.CF;

    [Theory]
    [InlineData(0x27, 0x79, 0ul, 0x79, 0ul)] // DAA
    [InlineData(0x27, 0xAE, 0ul, 0x14, AfCf)]
    [InlineData(0x27, 0x2E, 0ul, 0x34, Rflags.AF)]
    [InlineData(0x27, 0x9A, 0ul, 0x00, AfCf)]
    [InlineData(0x27, 0x12, AfCf, 0x78, AfCf)]
    [InlineData(0x2F, 0xEE, 0ul, 0x88, AfCf)] // DAS
    [InlineData(0x2F, 0x35, Rflags.AF, 0x2F, Rflags.AF)]
    [InlineData(0x2F, 0x03, Rflags.AF, 0xFD, AfCf)]
    [InlineData(0x37, 0x020B, 0ul, 0x0301, AfCf)] // AAA
    [InlineData(0x37, 0x00FF, 0ul, 0x0205, AfCf)]
    [InlineData(0x37, 0x0279, 0ul, 0x0209, 0ul)]
    [InlineData(0x3F, 0x020F, 0ul, 0x0109, AfCf)] // AAS
    [InlineData(0x3F, 0x0205, Rflags.AF, 0x000F, AfCf)]
    public void Adjust_KnownInput_ResultAndCarries(byte opcode, int ax, ulong flags, int expected, ulong expectedFlags)
    {
        using var m = new FootprintMachine();
        FootprintStackTests.Protected32(m);
        m.R->Gpr[0] = 0x5555_0000u | (uint)ax;
        m.R->Rflags = Rflags.Fixed | flags;
        Assert.True(m.Interpret([opcode], 32));
        Assert.Equal(0x5555_0000u | (uint)expected, m.R->Gpr[0]);
        Assert.Equal(expectedFlags, m.R->Rflags & AfCf);
    }

    [Fact]
    public void Aam_Radix10_SplitsAl()
    {
        using var m = new FootprintMachine();
        FootprintStackTests.Protected32(m);
        m.R->Gpr[0] = 0xFF3F;
        Assert.True(m.Interpret([0xD4, 0x0A], 32));
        Assert.Equal(0x0603ul, m.R->Gpr[0]);
        Assert.Equal(Rflags.PF, m.R->Rflags & Rflags.Status);
    }

    [Fact]
    public void Aam_RadixZero_DividesByZero()
    {
        using var m = new FootprintMachine();
        FootprintStackTests.Protected32(m);
        Assert.False(m.Interpret([0xD4, 0x00], 32));
        Assert.Equal(GuestFault.Plain(GuestFault.DivideError), m.Interpreter.Fault);
    }

    [Fact]
    public void Aad_Radix10_JoinsDigits()
    {
        using var m = new FootprintMachine();
        FootprintStackTests.Protected32(m);
        m.R->Gpr[0] = 0x0603;
        Assert.True(m.Interpret([0xD5, 0x0A], 32));
        Assert.Equal(0x3Ful, m.R->Gpr[0]);
    }

    [Theory]
    [InlineData(5u, true)]
    [InlineData(0xFFFF_FFFEu, true)]
    [InlineData(11u, false)]
    [InlineData(0xFFFF_FFFDu, false)]
    public void Bound_SignedBounds_RaisesOutside(uint index, bool inside)
    {
        using var m = new FootprintMachine();
        FootprintStackTests.Protected32(m);
        *(int*)m.Base = -2;
        *(int*)(m.Base + 4) = 10;
        m.R->Gpr[0] = index;
        m.R->Gpr[3] = FootprintMachine.DataGpa;
        Assert.Equal(inside, m.Interpret([0x62, 0x03], 32));
        Assert.True(inside || m.Interpreter.Fault == GuestFault.Plain(5));
    }

    [Fact]
    public void Arpl_LowerRpl_IsRaised()
    {
        using var m = new FootprintMachine();
        FootprintStackTests.Protected32(m);
        *(ushort*)m.Base = 0x18;
        m.R->Gpr[3] = FootprintMachine.DataGpa;
        m.R->Gpr[1] = 0x3;
        Assert.True(m.Interpret([0x63, 0x0B], 32));
        Assert.Equal(0x1B, *(ushort*)m.Base);
        Assert.Equal(Rflags.ZF, m.R->Rflags & Rflags.ZF);
    }
}
