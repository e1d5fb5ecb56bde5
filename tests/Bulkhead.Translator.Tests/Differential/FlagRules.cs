using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>The flags an instruction leaves undefined, those that depend on operand values included.</summary>
/// <remarks><i>Source</i>: the last column of <c>instructions.tsv</c>.</remarks>
internal static class FlagRules
{
    private const ulong Cf = 1;
    private const ulong Pf = 4;
    private const ulong Af = 0x10;
    private const ulong Zf = 0x40;
    private const ulong Sf = 0x80;
    private const ulong Of = 0x800;

    internal static ulong Undefined(Case value)
    {
        Instruction instruction = value.Decode();
        ulong mask = value.Entry.UndefinedFlags;
        int amount = Amount(instruction, value.State);
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar:
                int bits = Size(instruction) * 8, count = amount & (bits == 64 ? 63 : 31);
                mask |= count == 0 ? 0 : Af | (count > 1 ? Of : 0) | (count >= bits && instruction.Mnemonic != Mnemonic.Sar ? Cf : 0);
                break;
            case Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr:
                mask |= (amount & (Size(instruction) == 8 ? 63 : 31)) > 1 ? Of : 0;
                break;
            case Mnemonic.Shld or Mnemonic.Shrd:
                int size = Size(instruction) * 8, shift = amount & (size == 64 ? 63 : 31);
                mask |= shift == 0 ? 0 : Af | (shift > 1 ? Of : 0) | (shift > size ? Cf | Pf | Zf | Sf : 0);
                break;
        }

        return mask;
    }

    private static unsafe int Amount(in Instruction instruction, CpuState state)
    {
        int last = instruction.OpCount - 1;
        return last >= 0 && instruction.GetOpKind(last) == OpKind.Immediate8 ? instruction.Immediate8 : (byte)state.Gpr[1];
    }

    private static int Size(in Instruction instruction) =>
        instruction.GetOpKind(0) == OpKind.Memory ? instruction.MemorySize.GetSize() : instruction.GetOpRegister(0).GetSize();
}
