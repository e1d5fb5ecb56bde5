using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class FootprintBitTests
{
    public static TheoryData<string> Names => [.. Operations.Keys];

    private static readonly Dictionary<string, Action<Assembler>> Operations = new()
    {
        ["bt 16"] = a => a.bt(__word_ptr[rbx + 5], cx),
        ["bts 16"] = a => a.bts(__word_ptr[rbx + 5], cx),
        ["btr 16"] = a => a.btr(__word_ptr[rbx + 5], cx),
        ["btc 16"] = a => a.btc(__word_ptr[rbx + 5], cx),
        ["bt 32"] = a => a.bt(__dword_ptr[rbx], ecx),
        ["bts 32"] = a => a.bts(__dword_ptr[rbx], ecx),
        ["lock bts 32"] = a => a.@lock.bts(__dword_ptr[rbx], ecx),
        ["btr 32"] = a => a.btr(__dword_ptr[rbx + 1], ecx),
        ["btc 32"] = a => a.btc(__dword_ptr[rbx], ecx),
        ["bt 64"] = a => a.bt(__qword_ptr[rbx], rcx),
        ["lock bts 64"] = a => a.@lock.bts(__qword_ptr[rbx], rcx),
        ["lock btr 64"] = a => a.@lock.btr(__qword_ptr[rbx], rcx),
        ["lock btc 64"] = a => a.@lock.btc(__qword_ptr[rbx], rcx),
        ["bts 64 register"] = a => a.bts(rdx, rcx),
        ["btc 32 register"] = a => a.btc(edx, ecx),
        ["btr 16 register"] = a => a.btr(dx, cx),
        ["bts 64 immediate"] = a => a.bts(__qword_ptr[rbx], 61),
        ["btr 16 immediate"] = a => a.btr(__word_ptr[rbx], 29),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void BitTest_RandomIndex_SameAsHost(string name)
    {
        using var m = new FootprintMachine();
        var random = new Random(name.Length);
        for (int i = 0; i < 25; i++)
        {
            m.Randomize(random);
            m.R->Gpr[3] = (ulong)m.Base + 0x8000 + (ulong)random.Next(64);
            ulong index = (ulong)random.NextInt64(-0x3_0000, 0x3_0000);
            m.R->Gpr[1] = name.Contains("32", StringComparison.Ordinal) ? ((ulong)random.NextInt64() << 32) | (uint)index : index;

            // Only CF is defined, but processors leave the rest alone, and so do we.
            m.AssertSameAsHost(Operations[name]);
        }
    }

    [Fact]
    public void Bts_PageMissing_FaultsAndChangesNothing()
    {
        using var m = new FootprintMachine();
        m.Map((ulong)m.Base + 0x1000, 0, 0);
        m.R->Gpr[3] = (ulong)m.Base + 0xFFC;
        m.R->Gpr[1] = 2;
        Assert.False(m.Interpret(a => a.bts(__qword_ptr[rbx], rcx)));
        Assert.Equal(GuestFault.PageFault((ulong)m.Base + 0x1000, 2), m.Interpreter.Fault);
        Assert.Equal(0, m.Base[0xFFC]);
    }
}
