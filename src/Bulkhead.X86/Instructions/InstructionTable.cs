using Iced.Intel;

namespace Bulkhead.X86.Instructions;

/// <summary>The instruction table, by Iced's <see cref="Code"/>.</summary>
/// <remarks>
/// The rows are generated, and to be read in <c>instructions.tsv</c>, by <c>tools/InstructionTable</c> from Iced's metadata and
/// the rules in its <c>overrides.txt</c>.
/// <i>Source</i>: Intel SDM Vol. 2, Chapters 3-5 Instruction Set Reference.
/// </remarks>
public static partial class InstructionTable
{
    private static readonly InstructionEntry[] s_entries = Unpack(Packed);

    /// <summary>The row of a code; class <see cref="InstructionClass.Absent"/> where it is not offered.</summary>
    public static ref readonly InstructionEntry Get(Code code) => ref s_entries[s_index[(int)code]];

    /// <summary>Takes the rows apart; once, some tens of microseconds.</summary>
    /// <remarks>
    /// <code>
    /// first   0 class:3  3 feature:6  9 vex  10 map:2  12 prefix:2 (0 66 F3 F2)  14 opcode:8  22 group+1:4  26 fixed ModRM:8
    ///        34 ModRM  35 W  36 L  37 roles:4x4  53 access:8  61 66 besides
    /// second  0 bytes:8  8 read  9 written  10 alignment:8  18 lock  19 traps  20 x87  21 vector  22 undefined flags:16  38 implied:16
    /// </code>
    /// </remarks>
    private static InstructionEntry[] Unpack(ReadOnlySpan<ulong> packed)
    {
        ReadOnlySpan<byte> prefixes = [0, 0x66, 0xF3, 0xF2];
        var entries = new InstructionEntry[packed.Length / 2];
        for (int i = 0; i < entries.Length; i++)
        {
            ulong a = packed[2 * i], b = packed[(2 * i) + 1];
            entries[i] = new InstructionEntry
            {
                Class = (InstructionClass)(a & 7),
                Feature = (CpuFeature)(a >> 3 & 63),
                Vex = (a >> 9 & 1) != 0,
                Map = (byte)(a >> 10 & 3),
                Prefix = prefixes[(int)(a >> 12 & 3)],
                Opcode = (byte)(a >> 14),
                Group = (sbyte)((int)(a >> 22 & 15) - 1),
                FixedModRm = (byte)(a >> 26),
                HasModRm = (a >> 34 & 1) != 0,
                W = (a >> 35 & 1) != 0,
                L = (a >> 36 & 1) != 0,
                Operand16 = (a >> 61 & 1) != 0,
                Op0 = (OperandRole)(a >> 37 & 15),
                Op1 = (OperandRole)(a >> 41 & 15),
                Op2 = (OperandRole)(a >> 45 & 15),
                Op3 = (OperandRole)(a >> 49 & 15),
                AccessFlags = (byte)(a >> 53),
                MemoryBytes = (byte)b,
                MemoryRead = (b >> 8 & 1) != 0,
                MemoryWritten = (b >> 9 & 1) != 0,
                Alignment = (byte)(b >> 10),
                Lockable = (b >> 18 & 1) != 0,
                Traps = (b >> 19 & 1) != 0,
                UsesX87 = (b >> 20 & 1) != 0,
                UsesVector = (b >> 21 & 1) != 0,
                UndefinedFlags = (ushort)(b >> 22),
                ImpliedRegisters = (byte)(b >> 38),
            };
        }

        return entries;
    }
}
