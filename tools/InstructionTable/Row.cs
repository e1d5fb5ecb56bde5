using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Tools.InstructionTable;

/// <summary>One row: everything the table says of one code.</summary>
internal sealed record Row(Code Code)
{
    internal InstructionClass Class { get; init; }

    internal CpuFeature Feature { get; init; }

    internal required string Manual { get; init; }

    internal required string Modes { get; init; }

    internal Code EncodedAs { get; init; }

    internal Form Form { get; init; }

    internal required OperandRole[] Roles { get; init; }

    internal int Access { get; init; }

    internal int MemoryBytes { get; init; }

    internal bool MemoryRead { get; init; }

    internal bool MemoryWritten { get; init; }

    internal int Alignment { get; init; }

    internal bool Lockable { get; init; }

    internal bool Traps { get; init; }

    internal bool UsesX87 { get; init; }

    internal bool UsesVector { get; init; }

    internal int ImpliedRegisters { get; init; }

    internal int UndefinedFlags { get; init; }

    internal string Words { get; init; } = "";
}
