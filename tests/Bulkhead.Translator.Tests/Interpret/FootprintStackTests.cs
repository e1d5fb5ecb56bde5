using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class FootprintStackTests
{
    private const int Rsp = 4, Rbp = 5;

    public static TheoryData<string> Names => [.. Operations.Keys];

    private static readonly Dictionary<string, Action<Assembler>> Operations = new()
    {
        ["push m64"] = a => a.push(__qword_ptr[rbx]),
        ["push m64 rsp"] = a => a.push(__qword_ptr[rsp + 16]),
        ["push m16"] = a => a.push(__word_ptr[rbx]),
        ["pop m64"] = a => a.pop(__qword_ptr[rbx]),
        ["pop m64 rsp"] = a => a.pop(__qword_ptr[rsp + 16]),
        ["pop m16 rsp"] = a => a.pop(__word_ptr[rsp + 3]),
        ["enter 0"] = a => a.enter(0x40, 0),
        ["enter 1"] = a => a.enter(0x128, 1),
        ["enter 5"] = a => a.enter(0x18, 5),
        ["enter 31"] = a => a.enter(0, 31),
        ["enter 34"] = a => a.enter(7, 34),
        ["enterw 0"] = a => a.db(0x66, 0xC8, 0x40, 0x00, 0x00),
        ["enterw 3"] = a => a.db(0x66, 0xC8, 0x40, 0x00, 0x03),
        ["xlat"] = a => a.xlatb(),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Stack_RandomMemory_SameAsHost(string name)
    {
        using var m = new FootprintMachine();
        var random = new Random(11);
        for (int i = 0; i < 20; i++)
        {
            m.Randomize(random);
            m.R->Gpr[3] = (ulong)m.Base + (ulong)random.Next(0x8000);
            m.R->Gpr[Rbp] = (ulong)m.Base + 0xE800 + (ulong)random.Next(0x100);
            m.AssertSameAsHost(Operations[name]);
        }
    }

    [Fact]
    public void Pop_TargetFaults_StackPointerStays()
    {
        using var m = new FootprintMachine();
        m.Map((ulong)m.Base, 0, 0);
        m.R->Gpr[3] = (ulong)m.Base;
        m.R->Gpr[Rsp] = (ulong)m.Base + 0x2000;
        Assert.False(m.Interpret(a => a.pop(__qword_ptr[rbx])));
        Assert.Equal((ulong)m.Base + 0x2000, m.R->Gpr[Rsp]);
    }

    [Fact]
    public void PushadPopad_RoundTrip_KeepsRegisters()
    {
        using var m = new FootprintMachine();
        Protected32(m);
        for (int i = 0; i < 8; i++)
        {
            m.R->Gpr[i] = 0x1111_1111u * (uint)(i + 1);
        }

        m.R->Gpr[Rsp] = FootprintMachine.DataGpa + 0x1010;
        Assert.True(m.Interpret([0x60], 32));
        Assert.Equal(FootprintMachine.DataGpa + 0x1010ul - 32, m.R->Gpr[Rsp]);
        Assert.Equal(0x1111_1111u, *(uint*)(m.Base + 0x100C));
        Assert.Equal(FootprintMachine.DataGpa + 0x1010u, *(uint*)(m.Base + 0x1010 - 20));
        for (int i = 0; i < 8; i++)
        {
            m.R->Gpr[i] = i == Rsp ? m.R->Gpr[Rsp] : 0;
        }

        Assert.True(m.Interpret([0x61], 32));
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal(i == Rsp ? FootprintMachine.DataGpa + 0x1010ul : 0x1111_1111u * (uint)(i + 1), m.R->Gpr[i]);
        }
    }

    internal static void Protected32(FootprintMachine m)
    {
        m.R->Cr0 = Cr0.PE | Cr0.ET;
        m.R->Efer = 0;
        m.R->Segments[(int)SegmentIndex.Cs].Access = 0xC09B;
    }
}
