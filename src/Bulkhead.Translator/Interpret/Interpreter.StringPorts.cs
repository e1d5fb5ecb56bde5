using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>INS and OUTS: element by element, the memory side translated before the port is touched.</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult ExecuteIns(in Instruction instruction, int size)
    {
        ushort port = (ushort)_r->Gpr[Rdx];
        if (!TryPortAccess(port, size))
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

            if (!TryWrite(linear, size, DataAccess(true), ReadPort(port, size)))
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
        if (!TryPortAccess(port, size))
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

            WritePort(port, size, value);
            Step(ref s, 1, source: true, destination: false);
        }

        return EndString(in instruction, in s);
    }
}
