namespace Bulkhead.X86.Instructions;

/// <summary>Where an operand stands in the encoding.</summary>
public enum OperandRole : byte
{
    /// <summary>No such operand.</summary>
    None,

    /// <summary>Not encoded (AL in ADD AL, imm8; CL in shifts; ST(0)).</summary>
    Implied,

    /// <summary>ModRM.reg.</summary>
    Reg,

    /// <summary>ModRM.rm: a register, or memory.</summary>
    Rm,

    /// <summary>VEX.vvvv.</summary>
    Vvvv,

    /// <summary>The low three bits of the opcode.</summary>
    OpcodeReg,

    /// <summary>An 8-bit immediate.</summary>
    Imm8,

    /// <summary>A 16-bit immediate.</summary>
    Imm16,

    /// <summary>A 32-bit immediate (sign-extended where the operand is 64-bit).</summary>
    Imm32,

    /// <summary>A 64-bit immediate.</summary>
    Imm64,

    /// <summary>Bits 7-4 of an immediate byte name a vector register.</summary>
    Imm8Reg,

    /// <summary>Anything else (far pointers, moffs, string operands, branch targets): never class Carried.</summary>
    Other,
}
