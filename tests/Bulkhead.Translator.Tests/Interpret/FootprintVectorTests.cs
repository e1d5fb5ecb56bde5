using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class FootprintVectorTests
{
    public static TheoryData<string> Names => [.. Operations.Keys];

    private static readonly Dictionary<string, Action<Assembler>> Operations = new()
    {
        ["vpgatherdd x"] = a => a.vpgatherdd(xmm1, __dword_ptr[rbx + (xmm2 * 4)], xmm3),
        ["vpgatherdd y"] = a => a.vpgatherdd(ymm1, __dword_ptr[rbx + (ymm2 * 4) + 12], ymm3),
        ["vpgatherdq x"] = a => a.vpgatherdq(xmm1, __qword_ptr[rbx + (xmm2 * 2)], xmm3),
        ["vpgatherdq y"] = a => a.vpgatherdq(ymm11, __qword_ptr[rbx + (xmm2 * 8)], ymm3),
        ["vpgatherqd x"] = a => a.vpgatherqd(xmm1, __dword_ptr[rbx + (xmm4 * 1)], xmm3),
        ["vpgatherqd y"] = a => a.vpgatherqd(xmm1, __dword_ptr[rbx + (ymm4 * 4)], xmm3),
        ["vpgatherqq x"] = a => a.vpgatherqq(xmm1, __qword_ptr[rbx + (xmm4 * 8)], xmm3),
        ["vpgatherqq y"] = a => a.vpgatherqq(ymm1, __qword_ptr[rbx + (ymm4 * 8)], ymm3),
        ["vgatherdps y"] = a => a.vgatherdps(ymm1, __dword_ptr[rbx + (ymm2 * 4)], ymm3),
        ["vgatherqps y"] = a => a.vgatherqps(xmm1, __dword_ptr[rbx + (ymm4 * 4)], xmm3),
        ["vgatherdpd y"] = a => a.vgatherdpd(ymm1, __qword_ptr[rbx + (xmm2 * 4)], ymm3),
        ["vgatherqpd x"] = a => a.vgatherqpd(xmm1, __qword_ptr[rbx + (xmm4 * 4)], xmm3),
        ["vmaskmovps x load"] = a => a.vmaskmovps(xmm1, xmm3, __xmmword_ptr[rbx]),
        ["vmaskmovps y load"] = a => a.vmaskmovps(ymm1, ymm3, __ymmword_ptr[rbx]),
        ["vpmaskmovq y load"] = a => a.vpmaskmovq(ymm1, ymm3, __ymmword_ptr[rbx]),
        ["vmaskmovps x store"] = a => a.vmaskmovps(__xmmword_ptr[rbx], xmm3, xmm1),
        ["vmaskmovpd y store"] = a => a.vmaskmovpd(__ymmword_ptr[rbx], ymm3, ymm1),
        ["vpmaskmovd y store"] = a => a.vpmaskmovd(__ymmword_ptr[rbx], ymm3, ymm1),
        ["maskmovdqu"] = a => a.maskmovdqu(xmm1, xmm3),
        ["vmaskmovdqu"] = a => a.vmaskmovdqu(xmm1, xmm3),
        ["maskmovq"] = a => a.maskmovq(mm1, mm3),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Masked_RandomLanes_SameAsHost(string name)
    {
        using var m = new FootprintMachine();
        var random = new Random(name.Length);
        for (int i = 0; i < 30; i++)
        {
            m.Randomize(random);
            m.RandomizeX87(random);
            m.R->Gpr[3] = (ulong)m.Base + 0x7FF0 + (ulong)random.Next(32);
            m.R->Gpr[7] = m.R->Gpr[3];
            int* narrow = (int*)((byte*)&m.R->Ymm + 64);
            long* wide = (long*)((byte*)&m.R->Ymm + 128);
            for (int lane = 0; lane < 8; lane++)
            {
                narrow[lane] = random.Next(-0xF00, 0xF00);
                wide[lane & 3] = random.Next(-0xF00, 0xF00);
            }

            m.AssertSameAsHost(Operations[name]);
        }
    }

    [Fact]
    public void Gather_SecondLaneFaults_FirstIsDoneAndItsMaskClear()
    {
        using var m = new FootprintMachine();
        m.Randomize(new Random(4));
        m.Map((ulong)m.Base + 0x1000, 0, 0);
        m.R->Gpr[3] = (ulong)m.Base;
        uint* index = (uint*)((byte*)&m.R->Ymm + 64);
        uint* mask = (uint*)((byte*)&m.R->Ymm + 96);
        for (uint i = 0; i < 4; i++)
        {
            index[i] = i * 0x1000;
            mask[i] = 0x8000_0000;
        }

        Assert.False(m.Interpret(a => a.vpgatherdd(xmm1, __dword_ptr[rbx + (xmm2 * 1)], xmm3)));
        Assert.Equal(GuestFault.PageFault((ulong)m.Base + 0x1000, 0), m.Interpreter.Fault);
        Assert.Equal(*(uint*)m.Base, *(uint*)((byte*)&m.R->Ymm + 32));
        Assert.Equal(new uint[] { 0, 0x8000_0000, 0x8000_0000, 0x8000_0000 }, new ReadOnlySpan<uint>(mask, 4).ToArray());
    }

    [Fact]
    public void MaskedStore_OnlyInactiveLanesOnMissingPage_Succeeds()
    {
        using var m = new FootprintMachine();
        m.Randomize(new Random(5));
        m.Map((ulong)m.Base + 0x1000, 0, 0);
        m.R->Gpr[3] = (ulong)m.Base + 0xFF0;
        ulong* mask = (ulong*)((byte*)&m.R->Ymm + 96);
        mask[0] = ulong.MaxValue;
        mask[1] = mask[2] = mask[3] = 0;
        Assert.True(m.Interpret(a => a.vmaskmovpd(__ymmword_ptr[rbx], ymm3, ymm1)));
        mask[2] = ulong.MaxValue;
        m.R->Rip = 0x40_0000;
        Assert.False(m.Interpret(a => a.vmaskmovpd(__ymmword_ptr[rbx], ymm3, ymm1)));
    }

    [Fact]
    public void Gather_AvxNotEnabled_Undefined()
    {
        using var m = new FootprintMachine();
        m.R->Xcr0 = 3;
        Assert.False(m.Interpret(a => a.vpgatherdd(xmm1, __dword_ptr[rbx + (xmm2 * 1)], xmm3)));
        Assert.Equal(GuestFault.Ud, m.Interpreter.Fault);
    }
}
