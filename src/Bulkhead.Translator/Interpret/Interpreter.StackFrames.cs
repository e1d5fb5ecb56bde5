using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>PUSH and POP of memory, PUSHA, POPA, ENTER. <i>Source</i>: Intel SDM Vol. 1, chapter 6; Vol. 2A ENTER; Vol. 2B POP, PUSH.</remarks>
internal sealed unsafe partial class Interpreter
{
    private const int Rbp = 5;

    private InterpretResult ExecutePushOperand(in Instruction instruction, int size)
    {
        if (!TryReadOperand(in instruction, 0, size, out ulong value) || !TryWriteStack(-size, size, value))
        {
            return InterpretResult.Fault;
        }

        MoveStack(-size);
        return Next(in instruction);
    }

    private InterpretResult ExecutePopOperand(in Instruction instruction, int size)
    {
        if (!TryReadStack(0, size, out ulong value))
        {
            return InterpretResult.Fault;
        }

        // An address made with RSP is computed after the increment; POP of the stack pointer itself leaves what was popped.
        ulong before = _r->Gpr[Rsp];
        MoveStack(size);
        if (!TryWriteOperand(in instruction, 0, size, value))
        {
            _r->Gpr[Rsp] = before;
            return InterpretResult.Fault;
        }

        return Next(in instruction);
    }

    private InterpretResult ExecutePushAll(in Instruction instruction, int size)
    {
        for (int i = 0; i < 8; i++)
        {
            if (!TryProbeStack(-size * (i + 1), size, write: true))
            {
                return InterpretResult.Fault;
            }
        }

        for (int i = 0; i < 8; i++)
        {
            if (!TryWriteStack(-size * (i + 1), size, _r->Gpr[i]))
            {
                return InterpretResult.Fault;
            }
        }

        MoveStack(-size * 8);
        return Next(in instruction);
    }

    private InterpretResult ExecutePopAll(in Instruction instruction, int size)
    {
        ulong* values = stackalloc ulong[8];
        for (int i = 0; i < 8; i++)
        {
            if (!TryReadStack(size * i, size, out values[i]))
            {
                return InterpretResult.Fault;
            }
        }

        for (int i = 0; i < 8; i++)
        {
            if (7 - i != Rsp)
            {
                WriteGpr(7 - i, values[i], size);
            }
        }

        MoveStack(size * 8);
        return Next(in instruction);
    }

    private InterpretResult ExecuteEnter(in Instruction instruction, int size)
    {
        int allocate = (int)(ushort)instruction.GetImmediate(0);
        int level = (int)instruction.GetImmediate(1) & 31;
        int pushes = level == 0 ? 1 : level + 1;

        // All translations first: the pushes, the enclosing frames' pointers, and the final top of the stack.
        for (int i = 1; i <= pushes; i++)
        {
            if (!TryProbeStack(-size * i, size, write: true))
            {
                return InterpretResult.Fault;
            }
        }

        for (int i = 1; i < level; i++)
        {
            if (!TryReadFrame(i, size, out _))
            {
                return InterpretResult.Fault;
            }
        }

        if (!TryProbeStack(-(size * pushes) - allocate, size, write: true))
        {
            return InterpretResult.Fault;
        }

        // ESP as a push leaves it: with a 16-bit stack its upper half is kept, and goes into EBP.
        ulong cut = CutStack(ulong.MaxValue);
        ulong frame = (_r->Gpr[Rsp] & ~cut) | ((_r->Gpr[Rsp] - (ulong)size) & cut);
        if (!TryWriteStack(-size, size, _r->Gpr[Rbp]))
        {
            return InterpretResult.Fault;
        }

        for (int i = 1; i < level; i++)
        {
            if (!TryReadFrame(i, size, out ulong pointer) || !TryWriteStack(-size * (i + 1), size, pointer))
            {
                return InterpretResult.Fault;
            }
        }

        if (level > 0 && !TryWriteStack(-size * pushes, size, frame))
        {
            return InterpretResult.Fault;
        }

        WriteGpr(Rbp, frame, size);
        MoveStack(-(size * pushes) - allocate);
        return Next(in instruction);
    }

    private bool TryReadFrame(int level, int size, out ulong value)
    {
        value = 0;
        ulong offset = CutStack(_r->Gpr[Rbp] - (ulong)(level * size));
        return TryLinear(Register.SS, offset, size, false, out ulong linear) && TryRead(linear, size, DataAccess(false), out value);
    }
}
