using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class FootprintStateTests
{
    private const int Area = 0x1FC0;

    public static TheoryData<string> Saves => [.. Operations.Keys.Where(k => !k.StartsWith("load", StringComparison.Ordinal))];

    private static readonly Dictionary<string, Action<Assembler>> Operations = new()
    {
        ["fxsave"] = a => a.fxsave(__[rbx]),
        ["fxsave64"] = a => a.fxsave64(__[rbx]),
        ["xsave"] = a => a.xsave(__[rbx]),
        ["xsave64"] = a => a.xsave64(__[rbx]),
        ["xsaveopt"] = a => a.xsaveopt(__[rbx]),
        ["xsavec"] = a => a.xsavec(__[rbx]),
        ["fnstenv"] = a => a.db(0xD9, 0x33),
        ["fnstenv 14"] = a => a.db(0x66, 0xD9, 0x33),
        ["fnsave"] = a => a.db(0xDD, 0x33),
        ["fnsave 94"] = a => a.db(0x66, 0xDD, 0x33),
        ["stmxcsr"] = a => a.stmxcsr(__dword_ptr[rbx]),
        ["vstmxcsr"] = a => a.vstmxcsr(__dword_ptr[rbx]),
    };

    [Theory]
    [MemberData(nameof(Saves))]
    public void Save_RandomState_SameAsHost(string name)
    {
        using var m = new FootprintMachine();
        var random = new Random(name.Length);
        for (int i = 0; i < 25; i++)
        {
            Prepare(m, random);

            // MXCSR_MASK: the host may have AMD's misaligned mode, the guest has not.
            m.AssertSameAsHost(Operations[name], ignoredByte: Area + 30);
        }
    }

    [Theory]
    [InlineData("fnstenv")]
    [InlineData("fnstenv 14")]
    [InlineData("fnsave")]
    [InlineData("fnsave 94")]
    [InlineData("fxsave64")]
    [InlineData("xsave64")]
    [InlineData("xsavec")]
    public void Load_WhatWasSaved_SameAsHost(string name)
    {
        using var m = new FootprintMachine();
        var random = new Random(name.Length);
        for (int i = 0; i < 25; i++)
        {
            Prepare(m, random);
            if (name.StartsWith('x'))
            {
                m.R->Gpr[0] = 7;
                new Span<byte>(m.Base + Area + 512, 64).Clear();
            }

            Assert.True(m.Interpret(Operations[name]));
            ulong requested = (ulong)random.Next(8);
            byte[] saved = m.Data.ToArray();
            Prepare(m, random);
            saved.CopyTo(m.Data);
            m.R->Gpr[0] = requested;
            m.AssertSameAsHost(name switch
            {
                "fnstenv" => a => a.db(0xD9, 0x23),
                "fnstenv 14" => a => a.db(0x66, 0xD9, 0x23),
                "fnsave" => a => a.db(0xDD, 0x23),
                "fnsave 94" => a => a.db(0x66, 0xDD, 0x23),
                "fxsave64" => a => a.fxrstor64(__[rbx]),
                _ => a => a.xrstor64(__[rbx]),
            });
        }
    }

    [Theory]
    [InlineData(0, 8ul)] // XSTATE_BV names a component that is not in XCR0
    [InlineData(8, 1ul)] // XCOMP_BV in the standard format
    [InlineData(16, 1ul)]
    [InlineData(8, (1ul << 63) | 8)] // XCOMP_BV names a component that is not in XCR0
    [InlineData(8, 1ul << 63)] // XSTATE_BV is not inside XCOMP_BV
    public void Xrstor_BadHeader_GeneralProtection(int offset, ulong value)
    {
        using var m = new FootprintMachine();
        m.R->Gpr[3] = (ulong)m.Base;
        m.R->Gpr[0] = 7;
        *(ulong*)(m.Base + 512) = 1;
        *(ulong*)(m.Base + 512 + offset) = value;
        Assert.False(m.Interpret(a => a.xrstor(__[rbx])));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
    }

    [Fact]
    public void Xrstor_ReservedMxcsr_GeneralProtectionAndNothingChanges()
    {
        using var m = new FootprintMachine();
        var random = new Random(1);
        Prepare(m, random);
        m.R->Gpr[3] = (ulong)m.Base;
        m.R->Gpr[0] = 7;
        new Span<byte>(m.Base + 512, 64).Clear();
        *(uint*)(m.Base + 24) = 0x1_0000;
        Registers before = *m.R;
        Assert.False(m.Interpret(a => a.xrstor(__[rbx])));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        Assert.Equal(new ReadOnlySpan<byte>(&before, sizeof(Registers)), new ReadOnlySpan<byte>(m.R, sizeof(Registers)));
    }

    [Theory]
    [InlineData("xsave", 32)]
    [InlineData("xsavec", 16)]
    [InlineData("fxsave", 8)]
    public void Save_Misaligned_GeneralProtection(string name, int offset)
    {
        using var m = new FootprintMachine();
        m.R->Gpr[3] = (ulong)m.Base + (ulong)offset;
        Assert.False(m.Interpret(Operations[name]));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
    }

    [Theory]
    [InlineData("xsave", GuestFault.DeviceNotAvailable)]
    [InlineData("fxsave", GuestFault.DeviceNotAvailable)]
    [InlineData("fnsave", GuestFault.DeviceNotAvailable)]
    [InlineData("stmxcsr", GuestFault.DeviceNotAvailable)]
    public void Save_TaskSwitched_DeviceNotAvailable(string name, byte vector)
    {
        using var m = new FootprintMachine();
        m.R->Gpr[3] = (ulong)m.Base;
        m.R->Cr0 |= Cr0.TS;
        Assert.False(m.Interpret(Operations[name]));
        Assert.Equal(GuestFault.Plain(vector), m.Interpreter.Fault);
    }

    [Fact]
    public void Xsave_SecondPageMissing_WritesNothing()
    {
        using var m = new FootprintMachine();
        Prepare(m, new Random(2));
        m.R->Gpr[0] = 7;
        byte[] before = m.Data.ToArray();
        m.Map((ulong)m.Base + 0x2000, 0, 0);
        Assert.False(m.Interpret(a => a.xsave(__[rbx])));
        Assert.Equal(GuestFault.PageFaultVector, m.Interpreter.Fault.Vector);
        Assert.True(m.Data.SequenceEqual(before));
    }

    [Fact]
    public void Ldmxcsr_ReservedBit_GeneralProtection()
    {
        using var m = new FootprintMachine();
        m.R->Gpr[3] = (ulong)m.Base;
        *(uint*)m.Base = 0x1_1F80;
        Assert.False(m.Interpret(a => a.ldmxcsr(__dword_ptr[rbx])));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        *(uint*)m.Base = 0x3F80;
        Assert.True(m.Interpret(a => a.ldmxcsr(__dword_ptr[rbx])));
        Assert.Equal(0x3F80u, m.R->Mxcsr);
    }

    private static void Prepare(FootprintMachine m, Random random)
    {
        m.Randomize(random);
        m.RandomizeX87(random);
        m.R->Gpr[3] = (ulong)m.Base + Area;
        m.R->Gpr[2] = 0;
        m.R->Gpr[0] = (ulong)random.Next(8);
        m.R->Mxcsr = random.Next(2) == 0 ? 0x1F80u : 0x3FA0u;
        new Span<byte>(m.Base + Area + 512, 64).Clear();
        *(ulong*)(m.Base + Area + 512) = (ulong)random.Next(8);
    }

    [Theory]
    [InlineData("xsaveopt", 0x1F80u, 0ul, 0ul, 0x1Ful)]
    [InlineData("xsavec", 0x1F80u, 0ul, 0x8000_0000_0000_0007ul, 0x00ul)]
    [InlineData("xsavec", 0x3F80u, 2ul, 0x8000_0000_0000_0007ul, 0x3Ful)]
    public void Save_InitialState_LeavesComponentsOut(string name, uint mxcsr, ulong present, ulong compaction, ulong expectedMxcsrHigh)
    {
        using var m = new FootprintMachine();
        m.R->Gpr[3] = (ulong)m.Base;
        m.R->Gpr[0] = 7;
        m.R->Mxcsr = mxcsr;
        m.Data[..512].Fill(0xEE);
        Assert.True(m.Interpret(Operations[name]));
        Assert.Equal(present, *(ulong*)(m.Base + 512));
        Assert.Equal(compaction, *(ulong*)(m.Base + 520));
        Assert.Equal(0xEE, m.Base[0]);
        Assert.Equal(expectedMxcsrHigh == 0 ? 0xEE : (int)expectedMxcsrHigh, m.Base[25]);
        Assert.Equal(present == 0 ? 0xEE : 0, m.Base[160]);
    }
}
