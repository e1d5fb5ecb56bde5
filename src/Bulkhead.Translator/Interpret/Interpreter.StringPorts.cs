using System.Runtime.InteropServices;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>INS and OUTS: element by element, the memory side translated before the port is touched.</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult ExecuteIns(in Instruction instruction, int size)
    {
        ushort port = (ushort)_r->Gpr[Rdx];
        if (!MayUsePort(port, size))
        {
            return InterpretResult.Fault;
        }

        StringShape s = ShapeOf(in instruction, size, 0);
        while (s.Count != 0 && s.Budget > 0)
        {
            if (!TryLinear(Register.ES, _r->Gpr[Rdi] & s.Mask, size, true, out ulong linear) || !TryProbe(linear, size, DataAccess(true)))
            {
                return InterpretResult.Fault;
            }

            ulong value = ulong.MaxValue;
            _exits.Add(ExitReason.Io);
            _ = Io?.ReadPort(port, MemoryMarshal.AsBytes(new Span<ulong>(ref value))[..size]);
            if (!TryWrite(linear, size, DataAccess(true), value))
            {
                return InterpretResult.Fault;
            }

            Step(ref s, 1, source: false, destination: true);
        }

        return EndString(in instruction, in s);
    }

    private InterpretResult ExecuteOuts(in Instruction instruction, int size)
    {
        ushort port = (ushort)_r->Gpr[Rdx];
        if (!MayUsePort(port, size))
        {
            return InterpretResult.Fault;
        }

        StringShape s = ShapeOf(in instruction, size, 1);
        while (s.Count != 0 && s.Budget > 0)
        {
            if (!TryLinear(s.Segment, _r->Gpr[Rsi] & s.Mask, size, false, out ulong linear) || !TryRead(linear, size, DataAccess(false), out ulong value))
            {
                return InterpretResult.Fault;
            }

            _exits.Add(ExitReason.Io);
            _ = Io?.WritePort(port, MemoryMarshal.AsBytes(new Span<ulong>(ref value))[..size]);
            Step(ref s, 1, source: true, destination: false);
        }

        return EndString(in instruction, in s);
    }

    /// <summary>INTO: #OF behind the instruction.</summary>
    private InterpretResult ExecuteInto(in Instruction instruction)
    {
        _ = Next(in instruction);
        return (_r->Rflags & Rflags.OF) != 0 ? Fail(GuestFault.Plain(4)) : InterpretResult.Done;
    }

    private bool MayUsePort(ushort port, int size)
    {
        ulong iopl = (_r->Rflags & Rflags.IOPL) >> 12;
        if ((_r->Cr0 & Cr0.PE) == 0 || ((_r->Rflags & Rflags.VM) == 0 && (ulong)_r->Cpl <= iopl))
        {
            return true;
        }

        Fault = GuestFault.Gp();
        return false;
    }
}
