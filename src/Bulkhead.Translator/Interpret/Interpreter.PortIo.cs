using System.Runtime.InteropServices;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 1, chapter 19 Input/Output (19.5.2 I/O Permission Bit Map).</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult In(in Instruction instruction)
    {
        int size = SizeOf(instruction.Op0Register);
        ushort port = Port(in instruction, 1);
        if (!TryPortAccess(port, size))
        {
            return InterpretResult.Fault;
        }

        WriteRegister(instruction.Op0Register, ReadPort(port, size));
        return Next(in instruction);
    }

    private InterpretResult Out(in Instruction instruction)
    {
        int size = SizeOf(instruction.Op1Register);
        ushort port = Port(in instruction, 0);
        if (!TryPortAccess(port, size))
        {
            return InterpretResult.Fault;
        }

        WritePort(port, size, ReadRegister(instruction.Op1Register));
        return Next(in instruction);
    }

    private static int SizeOf(Register accumulator) => accumulator == Register.AL ? 1 : accumulator == Register.AX ? 2 : 4;

    private ushort Port(in Instruction instruction, int operand) =>
        instruction.GetOpKind(operand) == OpKind.Register ? (ushort)_r->Gpr[Rdx] : instruction.Immediate8;

    /// <summary>Whether the code may reach a port: CPL against IOPL, then the bit map of the TSS; #GP(0) where not.</summary>
    internal bool TryPortAccess(ushort port, int size)
    {
        if (!ProtectedMode || _r->Cpl <= IoPrivilege)
        {
            return true;
        }

        ref Segment tr = ref SegmentOf(SegmentIndex.Tr);
        if (!tr.Unusable && tr.Type is 9 or 11 && tr.Limit >= 0x67
            && TryRead(tr.Base + 0x66, 2, Access.Read, out ulong map))
        {
            uint at = (uint)map + ((uint)port >> 3);
            if (at + 1 <= tr.Limit)
            {
                if (!TryRead(tr.Base + at, 2, Access.Read, out ulong bits))
                {
                    return false;
                }

                if (((bits >> (port & 7)) & ((1ul << size) - 1)) == 0)
                {
                    return true;
                }
            }
        }

        Fault = GuestFault.Gp();
        return false;
    }

    /// <summary>IN, rights already checked.</summary>
    internal ulong ReadPort(ushort port, int size)
    {
        _exits.Add(ExitReason.Io);
        Breakpoints.NotePort(port, size);
        ulong value = ulong.MaxValue;
        _ = Io?.ReadPort(port, MemoryMarshal.AsBytes(new Span<ulong>(ref value))[..size]);
        return size == 8 ? value : value & ((1ul << (size * 8)) - 1);
    }

    /// <summary>OUT, rights already checked.</summary>
    internal void WritePort(ushort port, int size, ulong value)
    {
        _exits.Add(ExitReason.Io);
        Breakpoints.NotePort(port, size);
        _ = Io?.WritePort(port, MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value))[..size]);
    }
}
