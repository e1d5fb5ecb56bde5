namespace Bulkhead.X86.Instructions;

public static partial class InstructionTable
{
    private static readonly ushort[] s_index = new ushort[5000];

    private static readonly InstructionEntry[] s_entries = [default];
}
