using Iced.Intel;

namespace Bulkhead.Translator.Emit;

/// <summary>What an instruction does to the six status flags.</summary>
internal static class FlagFacts
{
    /// <summary>OF, SF, ZF, AF, CF, PF in Iced's bits.</summary>
    internal const int All = (int)(RflagsBits.OF | RflagsBits.SF | RflagsBits.ZF | RflagsBits.AF | RflagsBits.CF | RflagsBits.PF);

    /// <summary>OF alone.</summary>
    internal const int Overflow = (int)RflagsBits.OF;

    // By code, once it was met: what the operands have no say in. 0 is not known yet.
    private static readonly uint[] s_byCode = new uint[(int)Enum.GetValues<Code>().Max() + 1];

    /// <summary>Flags read.</summary>
    internal static int Read(in Instruction i) => (int)(Facts(i) & All);

    /// <summary>Flags surely overwritten, whatever they were. Undefined ones are only where every processor computes them from the
    /// operands: others leave some as they were, and what the guest then sees must not depend on how we translate.</summary>
    internal static int Written(in Instruction i) => (int)(Facts(i) >> 8) & All;

    /// <summary>Whether host flags change or matter when it executes.</summary>
    internal static bool Touches(in Instruction i) => ((Facts(i) | (Facts(i) >> 16)) & All) != 0;

    /// <summary>Flags read in the first byte, surely overwritten in the second, perhaps changed in the third.</summary>
    private static uint Facts(in Instruction i)
    {
        ref uint known = ref s_byCode[(int)i.Code];
        return known != 0 ? known : FindFacts(i, ref known);
    }

    private static uint FindFacts(in Instruction i, ref uint known)
    {
        bool shifts = IsShift(i);
        int modified = (int)i.RflagsModified & All;
        int written = shifts && IsVariableShift(i) ? 0 : modified & ~(ComputesUndefined(i) ? 0 : (int)i.RflagsUndefined);
        int read = ((int)i.RflagsRead & All) | (IsThroughCarry(i) ? (int)RflagsBits.CF : 0);
        uint facts = (uint)(read | (written << 8) | (modified << 16)) | (1u << 31);
        if (!shifts)
        {
            known = facts; // the same whoever writes it
        }

        return facts;
    }

    /// <summary>Its count decides which flags it changes.</summary>
    private static bool IsShift(in Instruction i) =>
        i.Mnemonic is Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr
            or Mnemonic.Shld or Mnemonic.Shrd;

    /// <summary>Logic and shifts by a constant read no flags, so that nothing is left as it was: AF of the ones, AF and OF of the
    /// others. (Multiplications and bit tests are not among them, nor rotations.) A test asks the host.</summary>
    private static bool ComputesUndefined(in Instruction i) =>
        i.Mnemonic is Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Test or Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar
            or Mnemonic.Andn or Mnemonic.Blsr or Mnemonic.Blsi or Mnemonic.Blsmsk;

    /// <summary>By a multiple of the operand's bits and one, the operand and CF stay as they were, but OF may not.</summary>
    private static bool IsThroughCarry(in Instruction i) => i.Mnemonic is Mnemonic.Rcl or Mnemonic.Rcr;

    /// <summary>Of those: a count of zero leaves all flags alone.</summary>
    private static bool IsVariableShift(in Instruction i) =>
        i.Mnemonic is Mnemonic.Shld or Mnemonic.Shrd || i.Op1Kind != OpKind.Immediate8 || i.Immediate8 == 0 || i.Immediate8 > 31 || IsThroughCarry(i);
}
