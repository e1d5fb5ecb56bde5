using System.Runtime.InteropServices;

namespace Bulkhead.X86.Instructions;

/// <summary>One row of the instruction table: what emitter, CPUID policy and oracle need to know about a code.</summary>
/// <remarks>
/// <para>Enough to encode the instruction again in 64-bit mode from its operands alone, whatever prefixes the guest wrote.</para>
/// <para><see cref="AccessFlags"/>: bit i (0-3) operand i is read, bit 4+i operand i is written; a conditional write
/// (CMOVcc, CMPXCHG) counts as read and written.</para>
/// <para>The encoding is that of an equivalent where 64-bit mode lacks the code (INC 40+r stands as FF /0, moffs forms as 88-8B,
/// every NOP and hint as plain 90): an operand whose role is <see cref="OperandRole.Implied"/> is not encoded, not even a memory one.
/// An x87 stack operand ST(i) stands in ModRM.rm.</para>
/// <para>Class Footprint rows carry their encoding too where 64-bit mode has it: BT, BTS, BTR, BTC with a bit index in a register
/// may be treated as Carried when their destination is a register.</para>
/// </remarks>
[StructLayout(LayoutKind.Auto)]
public readonly struct InstructionEntry
{
    /// <summary>How the translator treats it.</summary>
    public InstructionClass Class { get; init; }

    /// <summary>The CPUID feature that offers it; what <see cref="Vex"/> and <see cref="UsesVector"/> hold both needs AVX besides.</summary>
    public CpuFeature Feature { get; init; }

    /// <summary>Whether it is VEX encoded.</summary>
    public bool Vex { get; init; }

    /// <summary>Opcode map: 0 one-byte, 1 0F, 2 0F38, 3 0F3A.</summary>
    public byte Map { get; init; }

    /// <summary>66, F3, F2 (mandatory prefix, VEX.pp, or 66 for a 16-bit operand), or 0.</summary>
    public byte Prefix { get; init; }

    /// <summary>Whether 66 stands besides an F2 or F3 in <see cref="Prefix"/> (POPCNT r16).</summary>
    public bool Operand16 { get; init; }

    /// <summary>The opcode byte (the second one for x87 register forms stands in <see cref="FixedModRm"/>).</summary>
    public byte Opcode { get; init; }

    /// <summary>ModRM.reg as an opcode extension, or -1.</summary>
    public sbyte Group { get; init; }

    /// <summary>A whole ModRM byte that belongs to the opcode (D9 E8), or 0.</summary>
    public byte FixedModRm { get; init; }

    /// <summary>Whether a ModRM byte follows (fixed or not).</summary>
    public bool HasModRm { get; init; }

    /// <summary>REX.W or VEX.W.</summary>
    public bool W { get; init; }

    /// <summary>VEX.L.</summary>
    public bool L { get; init; }

    /// <summary>Operand places.</summary>
    public OperandRole Op0 { get; init; }

    /// <summary>Operand places.</summary>
    public OperandRole Op1 { get; init; }

    /// <summary>Operand places.</summary>
    public OperandRole Op2 { get; init; }

    /// <summary>Operand places.</summary>
    public OperandRole Op3 { get; init; }

    /// <summary>Which operands are read and written.</summary>
    public byte AccessFlags { get; init; }

    /// <summary>Bytes the ModRM memory operand touches; 0 if it has none or only its address counts (LEA, NOP, prefetch).</summary>
    public byte MemoryBytes { get; init; }

    /// <summary>Whether the memory operand is read.</summary>
    public bool MemoryRead { get; init; }

    /// <summary>Whether the memory operand is written.</summary>
    public bool MemoryWritten { get; init; }

    /// <summary>Alignment the memory operand must have or #GP: 0, 16 or 32.</summary>
    public byte Alignment { get; init; }

    /// <summary>Whether LOCK may stand before it (memory destination).</summary>
    public bool Lockable { get; init; }

    /// <summary>Whether it can raise #XM, #MF or #DE by itself.</summary>
    public bool Traps { get; init; }

    /// <summary>x87 or MMX: needs CR0.EM clear, CR0.TS clear.</summary>
    public bool UsesX87 { get; init; }

    /// <summary>SSE or later: needs CR4.OSFXSR (VEX: CR4.OSXSAVE and XCR0), CR0.EM and CR0.TS clear.</summary>
    public bool UsesVector { get; init; }

    /// <summary>Arithmetic flags (RFLAGS bits) left undefined for every operand value.</summary>
    public ushort UndefinedFlags { get; init; }

    /// <summary>General registers it uses without naming them (bit n: register n of RAX..RDI), CMPXCHG's RAX and a shift's CL alike.</summary>
    public byte ImpliedRegisters { get; init; }
}
