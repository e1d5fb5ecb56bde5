using System.Runtime.Intrinsics.X86;
using Bulkhead.X86.Instructions;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>What the instruction table says of the rows it carries over, held against what the host does.</summary>
[Collection(nameof(NativeCollection))]
public sealed class TableAgainstHostTests
{
    [Fact]
    public void Entry_EveryCarriedRow_ChangesOnlyWhatItNames()
    {
        Assert.SkipUnless(Avx2.IsSupported, "The oracle's trampoline needs AVX2.");
        using var runner = new NativeRunner();
        runner.Open();
        var wrong = new List<string>();
        for (int seed = 100; seed < 103; seed++)
        {
            foreach (Code code in CaseRows.All.Where(c => InstructionTable.Get(c).Class == InstructionClass.Carried))
            {
                Case value = CaseGenerator.Create(seed, code);
                Result result = runner.Run(value);
                Check(value, result, wrong);
                CheckWriteOnly(runner, value, result, wrong);
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static unsafe void Check(Case value, Result result, List<string> wrong)
    {
        Instruction instruction = value.Decode();
        if (result.Vector is 0 or 16 or 19 && !value.Entry.Traps)
        {
            wrong.Add($"traps ({result.Vector}): {value}");
        }

        int may = value.Entry.ImpliedRegisters;
        for (int i = 0; i < instruction.OpCount; i++)
        {
            if ((value.Entry.AccessFlags & (0x10 << i)) != 0 && instruction.GetOpKind(i) == OpKind.Register && instruction.GetOpRegister(i).IsGPR())
            {
                may |= 1 << Number(instruction.GetOpRegister(i));
            }
        }

        CpuState before = value.State, after = result.State;
        for (int i = 0; i < 16; i++)
        {
            if (before.Gpr[i] != after.Gpr[i] && (may & (1 << i)) == 0)
            {
                wrong.Add($"writes register {i}: {value}");
            }
        }

        bool memory = Enumerable.Range(0, instruction.OpCount).Any(i => instruction.GetOpKind(i) == OpKind.Memory);
        ulong start = memory && value.Entry.MemoryWritten ? Addresses.Of(value) : 0;
        for (int i = 0; i < value.Memory.Length; i++)
        {
            ulong address = i < Arena.DataBytes ? Arena.Data + (ulong)i : Arena.ReadOnly + (ulong)(i - Arena.DataBytes);
            if (value.Memory[i] != result.Memory[i] && address - start >= value.Entry.MemoryBytes)
            {
                wrong.Add($"writes {address:X}: {value}");
                break;
            }
        }
    }

    /// <summary>A register that is written and not read: what it held before is of no account.</summary>
    private static unsafe void CheckWriteOnly(NativeRunner runner, Case value, Result result, List<string> wrong)
    {
        Instruction instruction = value.Decode();
        int read = value.Entry.ImpliedRegisters;
        read |= instruction.MemoryBase.IsGPR() ? 1 << Number(instruction.MemoryBase) : 0;
        read |= instruction.MemoryIndex.IsGPR() ? 1 << Number(instruction.MemoryIndex) : 0;
        int written = 0;
        for (int i = 0; i < instruction.OpCount; i++)
        {
            if (instruction.GetOpKind(i) == OpKind.Register && instruction.GetOpRegister(i).IsGPR())
            {
                Register register = instruction.GetOpRegister(i);
                bool whole = (value.Entry.AccessFlags >> i & 0x11) == 0x10 && register.GetSize() >= 4;
                written |= whole ? 1 << Number(register) : 0;
                read |= (value.Entry.AccessFlags >> i & 1) != 0 || register.GetSize() < 4 ? 1 << Number(register) : 0;
            }
        }

        written &= ~read & ~(1 << 4);
        if (written == 0 || result.Vector >= 0)
        {
            return;
        }

        CpuState state = value.State;
        for (int i = 0; i < 16; i++)
        {
            state.Gpr[i] ^= (written & (1 << i)) != 0 ? 0x5A5A_5A5A_A5A5_A5A5UL : 0;
        }

        Case other = value with { State = state };
        if (Comparison.Difference(other, result, runner.Run(other)) is { } difference)
        {
            wrong.Add($"reads what it only writes: {difference}");
        }
    }

    private static int Number(Register register) => register.GetFullRegister() - Register.RAX;
}
