using System.Numerics;
using Bulkhead.Core.Memory;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>
/// String instructions. A call does about one page of work, then ends with RIP unchanged; RCX, RSI and RDI always hold the
/// progress. <i>Source</i>: Intel SDM Vol. 1, 7.3.9 String Operations; Vol. 2B, REP/REPE/REPZ/REPNE/REPNZ.
/// </remarks>
internal sealed unsafe partial class Interpreter
{
    private const int Rsi = 6, Rdi = 7;

    /// <summary>Work of one call in bytes.</summary>
    private const int StringBudgetBytes = PageSize;

    private StringShape ShapeOf(in Instruction instruction, int size, int memoryOperand)
    {
        int addressSize = instruction.GetOpKind(memoryOperand) switch
        {
            OpKind.MemorySegSI or OpKind.MemorySegDI or OpKind.MemoryESDI => 2,
            OpKind.MemorySegESI or OpKind.MemorySegEDI or OpKind.MemoryESEDI => 4,
            _ => 8,
        };
        ulong mask = MaskOf(addressSize);
        bool repeat = instruction.HasRepPrefix || instruction.HasRepnePrefix;

        // A single-stepped REP traps after every element, and so may one under a breakpoint.
        bool single = !repeat || (_r->Rflags & Rflags.TF) != 0 || Breakpoints.WatchAccesses;
        return new StringShape
        {
            Size = size,
            AddressSize = addressSize,
            Mask = mask,
            Segment = instruction.MemorySegment,
            Down = (_r->Rflags & Rflags.DF) != 0,
            Repeat = repeat,
            UntilEqual = instruction.HasRepnePrefix,
            Count = repeat ? _r->Gpr[Rcx] & mask : 1,
            Budget = single ? 1 : StringBudgetBytes / size,
        };
    }

    private static ulong MaskOf(int addressSize) => addressSize switch
    {
        2 => ushort.MaxValue,
        4 => uint.MaxValue,
        _ => ulong.MaxValue,
    };

    /// <summary>Takes <paramref name="n"/> elements off the count and moves an index register over them.</summary>
    private void Step(ref StringShape s, int n, bool source, bool destination)
    {
        ulong distance = (ulong)((long)n * (s.Down ? -s.Size : s.Size));
        if (source)
        {
            WriteGpr(Rsi, _r->Gpr[Rsi] + distance, s.AddressSize);
        }

        if (destination)
        {
            WriteGpr(Rdi, _r->Gpr[Rdi] + distance, s.AddressSize);
        }

        s.Count -= (ulong)n;
        s.Budget -= n;
        if (s.Repeat)
        {
            WriteGpr(Rcx, s.Count, s.AddressSize);
        }
    }

    /// <summary>Ends a call: behind the instruction when all is done, else at it once more.</summary>
    /// <remarks>There RF is set, for what is delivered between two iterations (Intel SDM Vol. 3B, 17.3.1.1).</remarks>
    private InterpretResult EndString(in Instruction instruction, ref readonly StringShape s)
    {
        if (s.Count == 0)
        {
            return Next(in instruction);
        }

        _r->Rflags |= Rflags.RF;
        return InterpretResult.Done;
    }

    /// <summary>Translates the next element of an operand and says how many more lie in the same page.</summary>
    private bool TryWindow(ref readonly StringShape s, Register segment, int index, bool write, out StringWindow w)
    {
        w = default;
        ulong offset = _r->Gpr[index] & s.Mask;
        if (!TryLinear(segment, offset, s.Size, write, out w.Linear))
        {
            return false;
        }

        int inPage = (int)(w.Linear & (PageSize - 1));
        if (inPage > PageSize - s.Size)
        {
            return TryProbe(w.Linear, s.Size, DataAccess(write));
        }

        if (!TryTranslate(w.Linear, DataAccess(write), out w.Address))
        {
            return false;
        }

        w.Host = _memory.HostPointer(w.Address, (ulong)s.Size);
        int shift = BitOperations.TrailingZeroCount(s.Size);
        int n = s.Down ? (inPage >> shift) + 1 : (PageSize - inPage) >> shift;
        w.Elements = n == 1 || (s.Mask == ulong.MaxValue && _r->Code64) ? n : WithinSegment(in s, segment, offset, n, write);
        return true;
    }

    /// <summary>Cuts a run of elements where the offset would wrap or the segment's limit would stop it.</summary>
    private int WithinSegment(ref readonly StringShape s, Register segment, ulong offset, int n, bool write)
    {
        ulong room = s.Down ? (offset / (ulong)s.Size) + 1 : Math.Max(1, (s.Mask - offset) / (ulong)s.Size);
        n = (int)Math.Min((ulong)n, room);
        if (_r->Code64 || n == 1)
        {
            return n;
        }

        // Limits are one-sided: where the first and the last element pass, so do those between.
        ulong last = s.Down ? offset - (ulong)((n - 1) * s.Size) : offset + (ulong)((n - 1) * s.Size);
        return InSegment(in SegmentOf(SegmentOf(segment)), (uint)last, (uint)s.Size, write) ? n : 1;
    }

    /// <summary>The elements that can be done in one go.</summary>
    private static int Take(ref readonly StringShape s, int elements) => (int)Math.Min(Math.Min((ulong)elements, s.Count), (ulong)s.Budget);

    private static ulong ReadElement(byte* p, int size) => size switch
    {
        1 => *p,
        2 => *(ushort*)p,
        4 => *(uint*)p,
        _ => *(ulong*)p,
    };

    private static void WriteElement(byte* p, int size, ulong value)
    {
        switch (size)
        {
            case 1:
                *p = (byte)value;
                break;
            case 2:
                *(ushort*)p = (ushort)value;
                break;
            case 4:
                *(uint*)p = (uint)value;
                break;
            default:
                *(ulong*)p = value;
                break;
        }
    }

    /// <summary>The lowest address of <paramref name="n"/> elements.</summary>
    private static byte* Lowest(ref readonly StringShape s, byte* first, int n) => s.Down ? first - ((n - 1) * s.Size) : first;

    /// <summary>The status flags of a comparison.</summary>
    private static ulong CompareFlags(ulong left, ulong right, int size)
    {
        int bits = size * 8;
        ulong result = left - right;
        ulong masked = result & (ulong.MaxValue >> (64 - bits));
        ulong flags = left < right ? Rflags.CF : 0;
        flags |= masked == 0 ? Rflags.ZF : 0;
        flags |= ((masked >> (bits - 1)) & 1) != 0 ? Rflags.SF : 0;
        flags |= ((((left ^ right) & (left ^ result)) >> (bits - 1)) & 1) != 0 ? Rflags.OF : 0;
        flags |= (left ^ right ^ result) & Rflags.AF;
        return flags | ParityFlag(result);
    }

    private static ulong ParityFlag(ulong result) => (BitOperations.PopCount((byte)result) & 1) == 0 ? Rflags.PF : 0;
}
