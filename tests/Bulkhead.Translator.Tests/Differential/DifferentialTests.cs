using System.Runtime.Intrinsics.X86;
using Bulkhead.Translator.Emit;
using Bulkhead.X86.Instructions;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>The tester tests itself: the host against the host.</summary>
[Collection(nameof(NativeCollection))]
public sealed class DifferentialTests
{
    [Fact]
    public void Generator_EveryUserModeRow_HasACase()
    {
        var missing = new List<string>();
        foreach (Code code in Enum.GetValues<Code>())
        {
            InstructionEntry entry = InstructionTable.Get(code);
            bool user = entry.Class is InstructionClass.Carried or InstructionClass.Footprint && code.ToOpCode().Mode64;
            if (user && !CaseRows.Excluded.ContainsKey(code.Mnemonic()) && !CaseRows.All.Contains(code))
            {
                missing.Add($"{code} is not a row");
            }
        }

        foreach (Code code in CaseRows.All)
        {
            try
            {
                Assert.Equal(code, CaseGenerator.Create(1, code).Decode().Code);
            }
            catch (InvalidDataException e)
            {
                missing.Add(e.Message);
            }
        }

        Assert.True(missing.Count == 0, string.Join('\n', missing));
    }

    [Fact]
    public void Create_SameNumber_SameCase()
    {
        Case a = CaseGenerator.Create(77), b = CaseGenerator.Create(77);
        Assert.Equal(a.ToString(), b.ToString());
        Assert.Equal(a.Memory, b.Memory);
    }

    /// <summary>What the translator takes for overwritten, and so does not save, is the same whatever it was.</summary>
    [Fact]
    public unsafe void Native_OtherFlagsBefore_TheSameWhereTheyAreOverwritten()
    {
        Assert.SkipUnless(Avx2.IsSupported, "The oracle's trampoline needs AVX2.");
        const int Flags = 0x8D5; // OF, SF, ZF, AF, PF, CF
        (RflagsBits Bit, int Place)[] places = [(RflagsBits.CF, 0), (RflagsBits.PF, 2), (RflagsBits.AF, 4), (RflagsBits.ZF, 6), (RflagsBits.SF, 7), (RflagsBits.OF, 11)];
        using var runner = new NativeRunner();
        runner.Open();
        var kept = new SortedSet<string>();
        foreach (Code code in CaseRows.All.Where(static c => InstructionTable.Get(c).Class == InstructionClass.Carried))
        {
            for (int seed = 0; seed < 16; seed++)
            {
                Case value = CaseGenerator.Create(seed, code);
                CpuState clear = value.State, set = value.State;
                clear.Rflags &= ~(ulong)Flags;
                set.Rflags |= Flags;
                Result first = runner.Run(value with { State = clear }), second = runner.Run(value with { State = set });
                int written = FlagFacts.Written(value.Decode());
                if (FlagFacts.Read(value.Decode()) == 0 && first.Vector < 0 && second.Vector < 0
                    && places.Any(p => (written & (int)p.Bit) != 0 && (((first.State.Rflags ^ second.State.Rflags) >> p.Place) & 1) != 0))
                {
                    _ = kept.Add($"{value.Decode()}");
                }
            }
        }

        Assert.True(kept.Count == 0, string.Join('\n', kept));
    }

    [Fact]
    public void Native_TwiceTheSameCase_Agrees()
    {
        Assert.SkipUnless(Avx2.IsSupported, "The oracle's trampoline needs AVX2.");
        using var runner = new NativeRunner();
        runner.Open();
        var vectors = new SortedDictionary<int, int>();
        int seeds = int.TryParse(Environment.GetEnvironmentVariable("BULKHEAD_DIFFERENTIAL_SEEDS"), out int asked) ? asked : 2;
        for (int seed = 0; seed < seeds; seed++)
        {
            foreach (Code code in CaseRows.All)
            {
                Case value = CaseGenerator.Create(seed, code);
                Result first = runner.Run(value);
                Assert.Null(Comparison.Difference(value, first, runner.Run(value)));
                if (first.Vector == 6)
                {
                    TestContext.Current.SendDiagnosticMessage("#UD here: {0}", code);
                }

                vectors[first.Vector] = vectors.GetValueOrDefault(first.Vector) + 1;
            }
        }

        TestContext.Current.SendDiagnosticMessage("vectors: {0}", string.Join(' ', vectors));

        // Most run, some fault, and every kind of fault comes through the handler.
        Assert.Equal([-1, 0, 13, 14], vectors.Keys.Where(v => v is -1 or 0 or 13 or 14));
        Assert.True(vectors[-1] > CaseRows.All.Length, string.Join(' ', vectors));
    }

    [Fact]
    public unsafe void Difference_OneRegisterOrByteOff_NamesItAndTheCase()
    {
        Case value = CaseGenerator.Create(5, Code.Mov_rm32_r32);
        var expected = new Result(value.State, value.Memory, -1, value.Bytes.Length, 0, 0);
        CpuState state = value.State;
        state.Gpr[9] ^= 1;
        byte[] memory = (byte[])value.Memory.Clone();
        memory[0x1234] ^= 1;
        string? text = Comparison.Difference(value, expected, new Result(state, memory, -1, value.Bytes.Length, 0, 0));
        Assert.NotNull(text);
        Assert.StartsWith("CaseGenerator.Create(5, Code.Mov_rm32_r32)", text, StringComparison.Ordinal);
        Assert.Contains("  r9: expected", text, StringComparison.Ordinal);
        Assert.Contains("  [20001230]: expected", text, StringComparison.Ordinal);
        Assert.Null(Comparison.Difference(value, expected, expected));
    }

    [Fact]
    public unsafe void Difference_UndefinedFlag_IsNotOne()
    {
        // SHL eax, 4: AF and OF are undefined, CF is not.
        Case value = CaseGenerator.Create(1, Code.Shl_rm32_imm8) with { Bytes = [0xC1, 0xE0, 0x04] };
        var expected = new Result(value.State, value.Memory, -1, value.Bytes.Length, 0, 0);
        CpuState state = value.State;
        state.Rflags ^= 0x810;
        Assert.Null(Comparison.Difference(value, expected, new Result(state, value.Memory, -1, value.Bytes.Length, 0, 0)));
        state.Rflags ^= 1;
        Assert.NotNull(Comparison.Difference(value, expected, new Result(state, value.Memory, -1, value.Bytes.Length, 0, 0)));
    }

    [Fact]
    public unsafe void Native_LoadAcrossTheEnd_FaultsAtTheNextPageWithNothingChanged()
    {
        Assert.SkipUnless(Avx2.IsSupported, "The oracle's trampoline needs AVX2.");
        using var runner = new NativeRunner();
        runner.Open();
        CpuState state = CaseGenerator.Create(1, Code.Mov_r64_rm64).State;
        state.Gpr[3] = Arena.Data + Arena.DataBytes - 4;

        // mov rax, [rbx]
        var value = new Case(0, Code.Mov_r64_rm64, [0x48, 0x8B, 0x03], state, new byte[Arena.MemoryBytes]);
        Result result = runner.Run(value);
        Assert.Equal(14, result.Vector);
        Assert.Equal(Arena.Data + Arena.DataBytes, result.Cr2);
        CpuState after = result.State;
        Assert.Equal(state.Gpr[0], after.Gpr[0]);
    }
}
