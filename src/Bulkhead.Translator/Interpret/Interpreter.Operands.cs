using System.Runtime.InteropServices;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

internal sealed unsafe partial class Interpreter
{
    /// <summary>The general-purpose register or memory operand of <paramref name="size"/> bytes, zero-extended.</summary>
    internal bool TryReadOperand(in Instruction instruction, int operand, int size, out ulong value)
    {
        switch (instruction.GetOpKind(operand))
        {
            case OpKind.Register:
                value = ReadRegister(instruction.GetOpRegister(operand));
                return true;
            case OpKind.Memory:
                value = 0;
                return TryLinear(in instruction, size, false, out ulong linear) && TryRead(linear, size, DataAccess(false), out value);
            default:
                value = instruction.GetImmediate(operand);
                return true;
        }
    }

    /// <summary>Writes a general-purpose register (by its own width) or memory operand.</summary>
    internal bool TryWriteOperand(in Instruction instruction, int operand, int size, ulong value)
    {
        if (instruction.GetOpKind(operand) == OpKind.Register)
        {
            WriteRegister(instruction.GetOpRegister(operand), value);
            return true;
        }

        return TryLinear(in instruction, size, true, out ulong linear) && TryWrite(linear, size, DataAccess(true), value);
    }

    /// <summary>What an instruction stores that does nothing else: MOV, or an unaligned move of a whole vector register. False: it is
    /// none of them.</summary>
    internal bool TryReadStored(in Instruction instruction, Span<byte> data)
    {
        if (instruction.Op0Kind != OpKind.Memory)
        {
            return false;
        }

        switch (instruction.Mnemonic)
        {
            case Mnemonic.Mov:
                _ = TryReadOperand(in instruction, 1, data.Length, out ulong value);
                MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value))[..data.Length].CopyTo(data);
                return true;
            case Mnemonic.Movups or Mnemonic.Movupd or Mnemonic.Movdqu or Mnemonic.Vmovups or Mnemonic.Vmovupd or Mnemonic.Vmovdqu:
                new ReadOnlySpan<byte>(Vector(instruction.Op1Register), data.Length).CopyTo(data);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The stack pointer's width in bytes: 8 in 64-bit code, else by SS.B.</summary>
    internal int StackSize => _r->Code64 ? 8 : SegmentOf(SegmentIndex.Ss).Big ? 4 : 2;

    /// <summary>RSP, ESP or SP.</summary>
    internal ulong StackPointer
    {
        get => CutStack(_r->Gpr[Rsp]);
        set => WriteGpr(Rsp, value, StackSize);
    }

    /// <summary>An offset cut to the stack's width.</summary>
    internal ulong CutStack(ulong offset) => StackSize switch
    {
        8 => offset,
        4 => (uint)offset,
        _ => (ushort)offset,
    };

    /// <summary>Reads the stack at RSP + <paramref name="displacement"/>; RSP does not move.</summary>
    internal bool TryReadStack(int displacement, int size, out ulong value)
    {
        value = 0;
        return TryLinear(Register.SS, CutStack(_r->Gpr[Rsp] + (ulong)(long)displacement), size, false, out ulong linear)
            && TryRead(linear, size, DataAccess(false), out value);
    }

    /// <summary>Writes the stack at RSP + <paramref name="displacement"/>; RSP does not move.</summary>
    internal bool TryWriteStack(int displacement, int size, ulong value) =>
        TryLinear(Register.SS, CutStack(_r->Gpr[Rsp] + (ulong)(long)displacement), size, true, out ulong linear)
            && TryWrite(linear, size, DataAccess(true), value);

    /// <summary>Moves the stack pointer.</summary>
    internal void MoveStack(int displacement) => StackPointer = _r->Gpr[Rsp] + (ulong)(long)displacement;
}
