namespace Bulkhead.Translator.Verify;

/// <summary>A host instruction as <see cref="HostDecoder"/> takes it apart: the fields of its encoding, no meaning.</summary>
internal readonly struct HostInstruction
{
    /// <summary>Bytes.</summary>
    internal int Length { get; init; }

    /// <summary>Opcode map: 0 one-byte, 1 0F, 2 0F38, 3 0F3A.</summary>
    internal int Map { get; init; }

    /// <summary>The opcode byte.</summary>
    internal byte Opcode { get; init; }

    /// <summary>Whether a VEX prefix stands before it.</summary>
    internal bool Vex { get; init; }

    /// <summary>REX.W or VEX.W.</summary>
    internal bool W { get; init; }

    /// <summary>A 66 prefix.</summary>
    internal bool Operand16 { get; init; }

    /// <summary>A 67 prefix.</summary>
    internal bool Address32 { get; init; }

    /// <summary>F2, F3 or 0.</summary>
    internal byte Repeat { get; init; }

    /// <summary>A LOCK prefix.</summary>
    internal bool Lock { get; init; }

    /// <summary>The segment prefix, or 0.</summary>
    internal byte Segment { get; init; }

    /// <summary>Whether a ModRM byte stands in it.</summary>
    internal bool HasModRm { get; init; }

    /// <summary>ModRM.mod; 3: no memory operand.</summary>
    internal int Mod { get; init; }

    /// <summary>ModRM.reg with its extension.</summary>
    internal int Reg { get; init; }

    /// <summary>ModRM.rm with its extension, where it names a register.</summary>
    internal int Rm { get; init; }

    /// <summary>The base register of the memory operand, -1 for none, <see cref="Rip"/> for RIP.</summary>
    internal int Base { get; init; }

    /// <summary>The index register, or -1.</summary>
    internal int Index { get; init; }

    /// <summary>1, 2, 4 or 8.</summary>
    internal int Scale { get; init; }

    /// <summary>The displacement of the memory operand.</summary>
    internal int Displacement { get; init; }

    /// <summary>Bytes of immediates (or of a branch's displacement) at the end.</summary>
    internal int ImmediateBytes { get; init; }

    /// <summary>RIP as a base.</summary>
    internal const int Rip = 16;

    /// <summary>Whether it has a memory operand.</summary>
    internal bool HasMemory => HasModRm && Mod != 3;
}
