using Iced.Intel;

namespace Bulkhead.Translator.Emit;

/// <summary>What an instruction does to the six status flags.</summary>
internal static class FlagFacts
{
    /// <summary>OF, SF, ZF, AF, CF, PF in Iced's bits.</summary>
    internal const int All = (int)(RflagsBits.OF | RflagsBits.SF | RflagsBits.ZF | RflagsBits.AF | RflagsBits.CF | RflagsBits.PF);

    /// <summary>Flags read.</summary>
    internal static int Read(in Instruction i) => ((int)i.RflagsRead & All) | (IsThroughCarry(i) ? (int)RflagsBits.CF : 0);

    /// <summary>Flags surely overwritten, whatever they were. Undefined ones are only where every processor computes them from the
    /// operands: others leave some as they were, and what the guest then sees must not depend on how we translate.</summary>
    internal static int Written(in Instruction i) =>
        IsVariableShift(i) ? 0 : (int)i.RflagsModified & ~(ComputesUndefined(i) ? 0 : (int)i.RflagsUndefined) & All;

    /// <summary>Whether host flags change or matter when it executes.</summary>
    internal static bool Touches(in Instruction i) => (((int)i.RflagsRead | (int)i.RflagsModified) & All) != 0 || IsThroughCarry(i);

    /// <summary>Logic and shifts by a constant read no flags, so that nothing is left as it was: AF of the ones, AF and OF of the
    /// others. (Multiplications and bit tests are not among them, nor rotations.) A test asks the host.</summary>
    private static bool ComputesUndefined(in Instruction i) =>
        i.Mnemonic is Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Test or Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar
            or Mnemonic.Andn or Mnemonic.Blsr or Mnemonic.Blsi or Mnemonic.Blsmsk;

    /// <summary>By a multiple of the operand's bits and one, the operand and CF stay as they were, but OF may not.</summary>
    private static bool IsThroughCarry(in Instruction i) => i.Mnemonic is Mnemonic.Rcl or Mnemonic.Rcr;

    /// <summary>A count of zero leaves all flags alone.</summary>
    private static bool IsVariableShift(in Instruction i)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr:
                return i.Op1Kind != OpKind.Immediate8 || i.Immediate8 == 0 || i.Immediate8 > 31 || IsThroughCarry(i);
            case Mnemonic.Shld or Mnemonic.Shrd:
                return true;
            default:
                return false;
        }
    }
}
