using Bulkhead.Core.Memory;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>MOVS, STOS and LODS. <i>Source</i>: Intel SDM Vol. 2A/2B, the instructions' pages.</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult ExecuteMovs(in Instruction instruction, int size)
    {
        StringShape s = ShapeOf(in instruction, size, 0);
        while (s.Count != 0 && s.Budget > 0)
        {
            if (!TryWindow(in s, s.Segment, Rsi, false, out StringWindow source) || !TryWindow(in s, Register.ES, Rdi, true, out StringWindow target))
            {
                return InterpretResult.Fault;
            }

            int n = 1;
            if (source.Host is not null && target.Host is not null)
            {
                n = Take(in s, Math.Min(source.Elements, target.Elements));
                MoveInRam(in s, in source, in target, n);
            }
            else if (!TryRead(source.Linear, size, DataAccess(false), out ulong value) || !TryWrite(target.Linear, size, DataAccess(true), value))
            {
                return InterpretResult.Fault;
            }

            Step(ref s, n, source: true, destination: true);
        }

        return EndString(in instruction, in s);
    }

    private InterpretResult ExecuteStos(in Instruction instruction, int size)
    {
        StringShape s = ShapeOf(in instruction, size, 0);
        ulong value = _r->Gpr[Rax];
        while (s.Count != 0 && s.Budget > 0)
        {
            if (!TryWindow(in s, Register.ES, Rdi, true, out StringWindow target))
            {
                return InterpretResult.Fault;
            }

            int n = 1;
            if (target.Host is not null)
            {
                n = Take(in s, target.Elements);
                FillRam(in s, in target, n, value);
            }
            else if (!TryWrite(target.Linear, size, DataAccess(true), value))
            {
                return InterpretResult.Fault;
            }

            Step(ref s, n, source: false, destination: true);
        }

        return EndString(in instruction, in s);
    }

    private InterpretResult ExecuteLods(in Instruction instruction, int size)
    {
        StringShape s = ShapeOf(in instruction, size, 1);
        while (s.Count != 0 && s.Budget > 0)
        {
            if (!TryWindow(in s, s.Segment, Rsi, false, out StringWindow source))
            {
                return InterpretResult.Fault;
            }

            int n = 1;
            ulong value;
            if (source.Host is not null)
            {
                n = Take(in s, source.Elements);
                value = ReadElement(source.Host + ((long)(n - 1) * (s.Down ? -size : size)), size);
            }
            else if (!TryRead(source.Linear, size, DataAccess(false), out value))
            {
                return InterpretResult.Fault;
            }

            WriteGpr(Rax, value, size);
            Step(ref s, n, source: true, destination: false);
        }

        return EndString(in instruction, in s);
    }

    private void MoveInRam(ref readonly StringShape s, ref readonly StringWindow source, ref readonly StringWindow target, int n)
    {
        // SAFETY: both windows proved n elements inside one RAM page each (FootprintStringTests).
        int bytes = n * s.Size;
        byte* from = Lowest(in s, source.Host, n);
        byte* to = Lowest(in s, target.Host, n);
        Gpa address = new(target.Address.Value - (ulong)(target.Host - to));

        // Copying at once differs from copying one by one only where the target starts among source bytes still to be read.
        ulong distance = s.Down ? (ulong)(from - to) : (ulong)(to - from);
        if (n > 1 && (distance == 0 || distance >= (ulong)bytes))
        {
            _ = _memory.TryWrite(address, new ReadOnlySpan<byte>(from, bytes));
            return;
        }

        byte* p = source.Host;
        byte* q = target.Host;
        switch (s.Size)
        {
            case 1:
                MoveElements(p, q, n, s.Down ? -1 : 1);
                break;
            case 2:
                MoveElements((ushort*)p, (ushort*)q, n, s.Down ? -1 : 1);
                break;
            case 4:
                MoveElements((uint*)p, (uint*)q, n, s.Down ? -1 : 1);
                break;
            default:
                MoveElements((ulong*)p, (ulong*)q, n, s.Down ? -1 : 1);
                break;
        }

        _memory.NotifyWritten(address, (ulong)bytes);
    }

    private static void MoveElements<T>(T* source, T* target, int n, int step)
        where T : unmanaged
    {
        for (; n > 0; n--)
        {
            *target = *source;
            source += step;
            target += step;
        }
    }

    private void FillRam(ref readonly StringShape s, ref readonly StringWindow target, int n, ulong value)
    {
        // SAFETY: the window proved n elements inside one RAM page (FootprintStringTests).
        byte* to = Lowest(in s, target.Host, n);
        if (n == 1)
        {
            WriteElement(to, s.Size, value);
        }
        else
        {
            switch (s.Size)
            {
                case 1:
                    new Span<byte>(to, n).Fill((byte)value);
                    break;
                case 2:
                    new Span<ushort>(to, n).Fill((ushort)value);
                    break;
                case 4:
                    new Span<uint>(to, n).Fill((uint)value);
                    break;
                default:
                    new Span<ulong>(to, n).Fill(value);
                    break;
            }
        }

        _memory.NotifyWritten(new Gpa(target.Address.Value - (ulong)(target.Host - to)), (ulong)(n * s.Size));
    }
}
