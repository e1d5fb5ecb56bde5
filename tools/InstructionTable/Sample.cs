using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Tools.InstructionTable;

/// <summary>A sample instruction of a code, for Iced's encoder and instruction info.</summary>
/// <remarks>Operands are R11-R14 and their like, so that a register below them in the used set is an implied one.</remarks>
internal static class Sample
{
    /// <summary>The place of an operand kind.</summary>
    internal static OperandRole Role(OpCodeOperandKind kind)
    {
        string name = kind.ToString();
        if (kind is OpCodeOperandKind.sti_opcode || name.EndsWith("_or_mem", StringComparison.Ordinal) || name.EndsWith("_rm", StringComparison.Ordinal) || kind == OpCodeOperandKind.mem)
        {
            return OperandRole.Rm;
        }

        return kind switch
        {
            OpCodeOperandKind.None => OperandRole.None,
            OpCodeOperandKind.al or OpCodeOperandKind.cl or OpCodeOperandKind.ax or OpCodeOperandKind.dx or OpCodeOperandKind.eax or OpCodeOperandKind.rax
                or OpCodeOperandKind.st0 or OpCodeOperandKind.imm8_const_1 => OperandRole.Implied,
            OpCodeOperandKind.imm8 or OpCodeOperandKind.imm8sex16 or OpCodeOperandKind.imm8sex32 or OpCodeOperandKind.imm8sex64 => OperandRole.Imm8,
            OpCodeOperandKind.imm16 => OperandRole.Imm16,
            OpCodeOperandKind.imm32 or OpCodeOperandKind.imm32sex64 => OperandRole.Imm32,
            OpCodeOperandKind.imm64 => OperandRole.Imm64,
            OpCodeOperandKind.seg_reg or OpCodeOperandKind.cr_reg or OpCodeOperandKind.dr_reg or OpCodeOperandKind.r16_reg_mem
                or OpCodeOperandKind.r32_reg_mem or OpCodeOperandKind.r64_reg_mem => OperandRole.Other,
            OpCodeOperandKind.xmm_is4 or OpCodeOperandKind.ymm_is4 => OperandRole.Imm8Reg,
            _ when name.EndsWith("_opcode", StringComparison.Ordinal) => OperandRole.OpcodeReg,
            _ when name.EndsWith("_vvvv", StringComparison.Ordinal) => OperandRole.Vvvv,
            _ when name.EndsWith("_reg", StringComparison.Ordinal) => OperandRole.Reg,
            _ => OperandRole.Other,
        };
    }

    /// <summary>Bytes of immediate behind a role.</summary>
    internal static int ImmediateBytes(OperandRole role) => role switch
    {
        OperandRole.Imm8 or OperandRole.Imm8Reg => 1,
        OperandRole.Imm16 => 2,
        OperandRole.Imm32 => 4,
        OperandRole.Imm64 => 8,
        _ => 0,
    };

    /// <summary>Builds a sample in its register or its memory form.</summary>
    internal static Instruction Build(OpCodeInfo op, bool memory, int bits)
    {
        Instruction sample = default;
        sample.Code = op.Code;
        int immediates = 0;
        for (int i = 0; i < op.OpCount; i++)
        {
            SetOperand(ref sample, i, op.GetOpKind(i), memory, bits, ref immediates);
        }

        return sample;
    }

    private static void SetOperand(ref Instruction sample, int i, OpCodeOperandKind kind, bool memory, int bits, ref int immediates)
    {
        string name = kind.ToString();
        bool isMemory = kind == OpCodeOperandKind.mem || (memory && name.EndsWith("_or_mem", StringComparison.Ordinal));
        if (isMemory || name.StartsWith("mem_vsib", StringComparison.Ordinal))
        {
            sample.SetOpKind(i, OpKind.Memory);
            sample.MemoryBase = bits == 64 ? Register.R11 : bits == 32 ? Register.ECX : Register.BX;
            sample.MemoryIndex = isMemory ? Register.None : name.EndsWith('y') ? Register.YMM1 : Register.XMM1;
            return;
        }

        switch (kind)
        {
            case OpCodeOperandKind.mem_offs:
                sample.SetOpKind(i, OpKind.Memory);
                sample.MemoryDisplSize = bits / 8;
                return;
            case OpCodeOperandKind.es_rDI:
                sample.SetOpKind(i, bits == 64 ? OpKind.MemoryESRDI : OpKind.MemoryESEDI);
                return;
            case OpCodeOperandKind.seg_rDI:
                sample.SetOpKind(i, bits == 64 ? OpKind.MemorySegRDI : OpKind.MemorySegEDI);
                return;
            case OpCodeOperandKind.seg_rSI:
                sample.SetOpKind(i, bits == 64 ? OpKind.MemorySegRSI : OpKind.MemorySegESI);
                return;
            case OpCodeOperandKind.seg_rBX_al:
                sample.SetOpKind(i, OpKind.Memory);
                sample.MemoryBase = bits == 64 ? Register.RBX : Register.EBX;
                sample.MemoryIndex = Register.AL;
                return;
            case OpCodeOperandKind.imm8:
                sample.SetOpKind(i, immediates++ == 0 ? OpKind.Immediate8 : OpKind.Immediate8_2nd);
                return;
            case OpCodeOperandKind.imm8sex16:
                sample.SetOpKind(i, OpKind.Immediate8to16);
                return;
            case OpCodeOperandKind.imm8sex32:
                sample.SetOpKind(i, OpKind.Immediate8to32);
                return;
            case OpCodeOperandKind.imm8sex64:
                sample.SetOpKind(i, OpKind.Immediate8to64);
                return;
            case OpCodeOperandKind.imm8_const_1:
                sample.SetOpKind(i, OpKind.Immediate8);
                sample.Immediate8 = 1;
                return;
            case OpCodeOperandKind.imm16:
                immediates++;
                sample.SetOpKind(i, OpKind.Immediate16);
                return;
            case OpCodeOperandKind.imm32:
                sample.SetOpKind(i, OpKind.Immediate32);
                return;
            case OpCodeOperandKind.imm32sex64:
                sample.SetOpKind(i, OpKind.Immediate32to64);
                return;
            case OpCodeOperandKind.imm64:
                sample.SetOpKind(i, OpKind.Immediate64);
                return;
        }

        Register register = RegisterOf(kind, i, bits);
        if (register != Register.None)
        {
            sample.SetOpKind(i, OpKind.Register);
            sample.SetOpRegister(i, register);
        }
    }

    private static Register RegisterOf(OpCodeOperandKind kind, int i, int bits)
    {
        string name = kind.ToString();
        int n = bits == 64 ? 12 + i : 1 + i;
        return kind switch
        {
            OpCodeOperandKind.al => Register.AL,
            OpCodeOperandKind.cl => Register.CL,
            OpCodeOperandKind.ax => Register.AX,
            OpCodeOperandKind.dx => Register.DX,
            OpCodeOperandKind.eax => Register.EAX,
            OpCodeOperandKind.rax => Register.RAX,
            OpCodeOperandKind.st0 => Register.ST0,
            OpCodeOperandKind.sti_opcode => Register.ST1,
            OpCodeOperandKind.seg_reg => Register.DS,
            OpCodeOperandKind.es => Register.ES,
            OpCodeOperandKind.cs => Register.CS,
            OpCodeOperandKind.ss => Register.SS,
            OpCodeOperandKind.ds => Register.DS,
            OpCodeOperandKind.fs => Register.FS,
            OpCodeOperandKind.gs => Register.GS,
            OpCodeOperandKind.cr_reg => Register.CR0,
            OpCodeOperandKind.dr_reg => Register.DR0,
            _ when name.StartsWith("r8_", StringComparison.Ordinal) => (bits == 64 ? Register.R12L : Register.CL) + i,
            _ when name.StartsWith("r16_", StringComparison.Ordinal) => Register.AX + n,
            _ when name.StartsWith("r32_", StringComparison.Ordinal) => Register.EAX + n,
            _ when name.StartsWith("r64_", StringComparison.Ordinal) => Register.RAX + n,
            _ when name.StartsWith("mm_", StringComparison.Ordinal) => Register.MM1 + i,
            _ when name.StartsWith("xmm", StringComparison.Ordinal) => Register.XMM2 + i,
            _ when name.StartsWith("ymm", StringComparison.Ordinal) => Register.YMM2 + i,
            _ => Register.None,
        };
    }
}
