using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>The rows of the instruction table that the host can run for us, and why not the others.</summary>
internal static class CaseRows
{
    private static readonly HashSet<Mnemonic> s_stack =
    [
        Mnemonic.Push, Mnemonic.Pop, Mnemonic.Pushf, Mnemonic.Pushfq, Mnemonic.Popf, Mnemonic.Popfq, Mnemonic.Leave,
    ];

    /// <summary>User-mode rows that are not compared.</summary>
    internal static readonly IReadOnlyDictionary<Mnemonic, string> Excluded = new Dictionary<Mnemonic, string>
    {
        [Mnemonic.Rdrand] = "random",
        [Mnemonic.Rdseed] = "random",
        [Mnemonic.Xsave] = "host XCR0",
        [Mnemonic.Xsave64] = "host XCR0",
        [Mnemonic.Xsavec] = "host XCR0",
        [Mnemonic.Xsavec64] = "host XCR0",
        [Mnemonic.Xsaveopt] = "host XCR0",
        [Mnemonic.Xsaveopt64] = "host XCR0",
        [Mnemonic.Xrstor] = "host XCR0",
        [Mnemonic.Xrstor64] = "host XCR0",
    };

    /// <summary>Every code that a case can be made of.</summary>
    internal static readonly Code[] All = [.. Enum.GetValues<Code>().Where(IsUserMode)];

    private static bool IsUserMode(Code code)
    {
        InstructionClass kind = InstructionTable.Get(code).Class;
        return code.ToOpCode().Mode64 && !Excluded.ContainsKey(code.Mnemonic())
            && (kind is InstructionClass.Carried or InstructionClass.Footprint || (kind == InstructionClass.Control && IsStack(code)));
    }

    /// <summary>PUSH, POP and their like, but for segment registers (FS and GS are the runtime's).</summary>
    internal static bool IsStack(Code code) =>
        s_stack.Contains(code.Mnemonic()) && (code.ToOpCode().OpCount == 0 || code.ToOpCode().GetOpKind(0) is not (OpCodeOperandKind.fs or OpCodeOperandKind.gs));
}
