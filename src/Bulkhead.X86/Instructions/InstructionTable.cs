using Iced.Intel;

namespace Bulkhead.X86.Instructions;

/// <summary>The instruction table, by Iced's <see cref="Code"/>.</summary>
/// <remarks>The rows are generated from <c>instructions.tsv</c> by <c>tools/InstructionTable</c>.</remarks>
public static partial class InstructionTable
{
    /// <summary>The row of a code; class <see cref="InstructionClass.Absent"/> where it is not offered.</summary>
    public static ref readonly InstructionEntry Get(Code code) => ref s_entries[s_index[(int)code]];
}
