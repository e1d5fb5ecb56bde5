namespace Bulkhead.Tools.InstructionTable;

/// <summary>The fixed parts of an encoding.</summary>
internal readonly record struct Form(bool Vex, int Map, int Prefix, int Opcode, int Group, int FixedModRm, bool HasModRm, bool W, bool L, bool Operand16)
{
    /// <summary>Takes apart the bytes of a sample in 64-bit mode.</summary>
    /// <param name="bytes">The instruction.</param>
    /// <param name="hasRm">Whether an operand stands in ModRM.rm.</param>
    /// <param name="hasReg">Whether an operand stands in ModRM.reg.</param>
    /// <param name="opcodeReg">Whether an operand stands in the opcode.</param>
    /// <param name="immediateBytes">How many bytes of immediate end it.</param>
    internal static Form Parse(ReadOnlySpan<byte> bytes, bool hasRm, bool hasReg, bool opcodeReg, int immediateBytes)
    {
        int i = 0, map = 0, prefix = 0;
        bool vex = false, w = false, l = false, operand16 = false;
        while (bytes[i] is 0x66 or 0xF2 or 0xF3 or 0x67)
        {
            operand16 |= bytes[i] == 0x66;
            prefix = bytes[i] is 0xF2 or 0xF3 ? bytes[i] : prefix;
            i++;
        }

        if (operand16 && prefix == 0)
        {
            prefix = 0x66;
            operand16 = false;
        }

        if (bytes[i] is 0xC4 or 0xC5)
        {
            vex = true;
            int p = bytes[i] == 0xC4 ? bytes[i + 2] : bytes[i + 1];
            map = bytes[i] == 0xC4 ? bytes[i + 1] & 0x1F : 1;
            w = bytes[i] == 0xC4 && (p & 0x80) != 0;
            l = (p & 4) != 0;
            prefix = (p & 3) switch { 1 => 0x66, 2 => 0xF3, 3 => 0xF2, _ => 0 };
            i += bytes[i] == 0xC4 ? 3 : 2;
        }
        else
        {
            if ((bytes[i] & 0xF0) == 0x40)
            {
                w = (bytes[i] & 8) != 0;
                i++;
            }

            if (bytes[i] == 0x0F)
            {
                map = bytes[i + 1] switch { 0x38 => 2, 0x3A => 3, _ => 1 };
                i += map == 1 ? 1 : 2;
            }
        }

        int opcode = bytes[i++];
        if (opcodeReg)
        {
            opcode &= 0xF8;
        }

        int rest = bytes.Length - i - immediateBytes;
        bool hasModRm = rest > 0;
        int group = -1, fixedModRm = 0;
        if (hasModRm && !hasRm && !hasReg)
        {
            fixedModRm = bytes[i];
        }
        else if (hasModRm && !hasReg)
        {
            group = (bytes[i] >> 3) & 7;
        }

        return new Form(vex, map, prefix, opcode, group, fixedModRm, hasModRm, w, l, operand16);
    }
}
