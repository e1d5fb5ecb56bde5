using Bulkhead.X86.Instructions;
using Iced.Intel;
using Xunit;

namespace Bulkhead.X86.Tests.Instructions;

/// <summary>The encoding columns are right: what is written from an entry and operands decodes as the code it stands for.</summary>
public sealed class ReencodeTests
{
    [Fact]
    public void Entry_EveryCarriedCode_EncodesItsOwnOperation()
    {
        var wrong = new List<string>();
        foreach (Code code in Enum.GetValues<Code>())
        {
            ref readonly InstructionEntry entry = ref InstructionTable.Get(code);
            if (entry.Class != InstructionClass.Carried)
            {
                continue;
            }

            byte[] bytes = Encode(entry);
            Decoder.Create(64, bytes).Decode(out Instruction decoded);
            bool nop = entry is { Opcode: 0x90, Map: 0, Prefix: 0 };
            bool same = nop ? decoded.Code == Code.Nopd : decoded.Mnemonic == code.Mnemonic() && SameOperands(code, decoded, entry);
            if (!same || decoded.Length != bytes.Length)
            {
                wrong.Add($"{code}: {Convert.ToHexString(bytes)} is {decoded} ({decoded.Code})");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static bool SameOperands(Code code, in Instruction decoded, in InstructionEntry entry)
    {
        OpCodeInfo op = code.ToOpCode();
        if (op.Mode64 && decoded.Code == code)
        {
            return true;
        }

        // Encoded as another code: the same places and the same size.
        string name = decoded.Code.ToString();
        return op.OpCount == decoded.OpCount && (entry.MemoryBytes == 0 || decoded.Op0Register.GetSize() == entry.MemoryBytes || decoded.Op1Register.GetSize() == entry.MemoryBytes)
            && (!op.Mode64 || name.StartsWith("Mov_", StringComparison.Ordinal) || name.StartsWith("Xchg_", StringComparison.Ordinal));
    }

    /// <summary>Register 3 in ModRM.rm (or [rbx] where only memory can stand), 2 in ModRM.reg, 1 in VEX.vvvv.</summary>
    private static byte[] Encode(in InstructionEntry entry)
    {
        byte[] bytes = Write(entry, 0xC0);
        Decoder.Create(64, bytes).Decode(out Instruction decoded);
        return decoded.IsInvalid || decoded.Code.ToString().StartsWith("Reservednop", StringComparison.Ordinal) || decoded.Length != bytes.Length ? Write(entry, 0)
            : HasMemoryOnly(entry, decoded) ? Write(entry, 0) : bytes;
    }

    // MOVHLPS is MOVLPS with a register, and so on: where the register form is another code, memory is meant.
    private static bool HasMemoryOnly(in InstructionEntry entry, in Instruction decoded) =>
        entry.MemoryBytes != 0 && InstructionTable.Get(decoded.Code).MemoryBytes == 0;

    private static byte[] Write(in InstructionEntry entry, int mod)
    {
        var bytes = new List<byte>();
        OperandRole[] roles = [entry.Op0, entry.Op1, entry.Op2, entry.Op3];
        if (entry.Vex)
        {
            int vvvv = roles.Contains(OperandRole.Vvvv) ? 1 : 0;
            int pp = entry.Prefix switch { 0x66 => 1, 0xF3 => 2, 0xF2 => 3, _ => 0 };
            bytes.AddRange([0xC4, (byte)(0xE0 | entry.Map), (byte)((entry.W ? 0x80 : 0) | ((~vvvv & 15) << 3) | (entry.L ? 4 : 0) | pp)]);
        }
        else
        {
            if (entry.Operand16)
            {
                bytes.Add(0x66);
            }

            if (entry.Prefix != 0)
            {
                bytes.Add(entry.Prefix);
            }

            if (entry.W)
            {
                bytes.Add(0x48);
            }

            bytes.AddRange(entry.Map switch { 0 => [], 1 => [0x0F], 2 => [0x0F, 0x38], _ => new byte[] { 0x0F, 0x3A } });
        }

        bytes.Add((byte)(entry.Opcode | (roles.Contains(OperandRole.OpcodeReg) ? 3 : 0)));
        if (entry.FixedModRm != 0)
        {
            bytes.Add(entry.FixedModRm);
        }
        else if (entry.HasModRm)
        {
            int reg = entry.Group >= 0 ? entry.Group : 2;
            bytes.Add((byte)(mod | (reg << 3) | 3));
        }

        foreach (OperandRole role in roles)
        {
            int count = role switch { OperandRole.Imm8 or OperandRole.Imm8Reg => 1, OperandRole.Imm16 => 2, OperandRole.Imm32 => 4, OperandRole.Imm64 => 8, _ => 0 };
            bytes.AddRange(Enumerable.Repeat((byte)0x10, count));
        }

        return [.. bytes];
    }
}
