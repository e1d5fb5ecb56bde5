using Bulkhead.X86.Instructions;
using Iced.Intel;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>
/// One check for a run of instructions that access memory near one base register: pushes and pops, fields of a structure, also
/// with conditional branches out of the run between them. The run is emitted twice: here with the host address of its lowest
/// byte kept in r10, and out of line, where the range is not in one page of the right kind, with a check for each access.
/// Nothing in a run leaves for C#, so what a page fault finds is the second copy's doing alone; what traps on the host (SIMD
/// exceptions, misaligned vectors) finds its own note in either copy.
/// </content>
internal sealed unsafe partial class BlockEmitter
{
    /// <summary>The longest range of a run, in bytes: one signed byte of displacement.</summary>
    private const int SharedBytes = 128;

    /// <summary>The farthest from its base register that an access of a run may lie: sums stay far from overflow.</summary>
    private const long FarthestField = 1 << 30;

    private readonly int[] _displacements = new int[64];
    private readonly bool[] _simple = new bool[64];
    private int _simpleKnown;
    private bool _shared;
    private bool _outOfLine;
    private bool _looksUp;
    private int _sharedFrom;
    private int _displacement;

    /// <summary>Emits the run that begins with the instruction at hand, if there is one; then that is its last.</summary>
    /// <param name="open">False: the block ends with the run.</param>
    private bool TryEmitShared(ref bool open)
    {
        int last = FindShared(out _sharedFrom, out int bytes, out int @base, out bool write);
        if (last < 0)
        {
            return false;
        }

        int first = _index;
        FreeHostFlags(_plan.LiveBefore[first]);
        MemoryOperand range = new() { Base = @base, Index = -1, Displacement = _sharedFrom, AddressBits = 64, SegmentBase = -1, Stack = @base == 4 };
        EmitAddress(R10, range);
        _sum = false;
        _ = EmitCompare(range, bytes, write, exact: false, out int place, out _);
        FlagsPlace entry = _flags;
        _shared = true;
        open = EmitRun(first, last);
        _shared = false;
        _displacement = 0;
        _scratch.Forget(); // the run out of line comes back here
        _stubs[_stubCount++] = new Stub { Kind = StubKind.Run, Place = place, Back = _w.Length, Index = first, Last = last, Before = entry, After = _flags };
        _index = last;
        return true;
    }

    private bool EmitRun(int first, int last)
    {
        bool open = true;
        for (_index = first; _index <= last; _index++)
        {
            _note = _outOfLine ? _notes++ : _index;
            MarkEffect();
            open = EmitInstruction(_plan.Instructions[_index]);
            _looksUp = _outOfLine && !_plan.Windowed; // the first filled the slot
        }

        return open;
    }

    /// <summary>The run again, out of line: the first access with its own check, the others by a thunk, which takes a quarter of the room.</summary>
    private void EmitRunOutOfLine(Stub s)
    {
        int index = _index;
        _w.Bind(s.Place);
        _scratch.Forget();
        _flags = s.Before;
        _outOfLine = true;
        bool open = EmitRun(s.Index, s.Last);
        (_outOfLine, _looksUp) = (false, false);
        _index = index;
        if (!open)
        {
            return;
        }

        if (s.After == FlagsPlace.Host)
        {
            NeedHostFlags();
        }
        else if (s.After == FlagsPlace.Saved)
        {
            FreeHostFlags(FlagFacts.All);
        }

        _w.BindTo(_w.Jmp(), s.Back);
    }

    /// <summary>Finds the run that begins at the instruction at hand: its last instruction (-1: none), the lowest displacement
    /// from the base register as it stands now, and how many bytes from there.</summary>
    private int FindShared(out int low, out int bytes, out int @base, out bool write)
    {
        low = 0;
        bytes = 0;
        @base = -1;
        write = false;
        if (!_options.SharedChecks || _plan.Transient || !_mode.Code64 || _plan.SecondPage != 0)
        {
            return -1;
        }

        int last = -1;
        int accesses = 0;
        int high = 0;
        long moved = 0; // by how much the base register has changed
        bool branched = false;
        for (int k = _index; k < _plan.Count; k++)
        {
            if (k > _index && _plan.IsLabel[k])
            {
                break;
            }

            ref readonly Instruction i = ref _plan.Instructions[k];
            if (i.IsJccShortOrNear)
            {
                // Where it goes nothing of the run is wanted; what is checked for those who stay must not ask for more than those who go.
                if (accesses == 0 || _plan.Closes[k] || !IsLinkedJcc(i))
                {
                    break;
                }

                branched = true;
                continue;
            }

            ref readonly InstructionEntry e = ref InstructionTable.Get(i.Code);
            if (!IsSimple(k, i, e))
            {
                break;
            }

            bool stack = i.Mnemonic is Mnemonic.Push or Mnemonic.Pop or Mnemonic.Ret;
            if (stack || (i.Mnemonic != Mnemonic.Lea && HasMemory(i)))
            {
                int register = stack ? 4 : i.MemoryBase.GetNumber();
                long at = moved + (stack ? (i.Mnemonic == Mnemonic.Push ? -8 : 0) : (long)i.MemoryDisplacement64);
                int size = stack ? 8 : e.MemoryBytes;
                if ((accesses != 0 && register != @base) || at is < -FarthestField or > FarthestField || HostOf(register) < 0)
                {
                    break;
                }

                int newLow = accesses == 0 ? (int)at : Math.Min(low, (int)at);
                int newHigh = accesses == 0 ? (int)at + size : Math.Max(high, (int)at + size);
                bool writes = stack ? i.Mnemonic == Mnemonic.Push : e.MemoryWritten;
                if (newHigh - newLow > SharedBytes || (branched && writes && !write))
                {
                    break;
                }

                (low, high) = (newLow, newHigh);
                @base = register;
                write |= writes;
                _displacements[k] = (int)at;
                accesses++;
                last = k;
            }
            else if (accesses == 0)
            {
                return -1;
            }

            if (i.Mnemonic == Mnemonic.Ret)
            {
                break;
            }

            if (stack)
            {
                moved += i.StackPointerIncrement;
            }

            bool changes = i.Mnemonic == Mnemonic.Pop || (i.Op0Kind == OpKind.Register && (e.AccessFlags & 16) != 0);
            if (changes && i.Op0Kind == OpKind.Register && i.Op0Register.IsGPR() && i.Op0Register.GetFullRegister().GetNumber() == @base)
            {
                if (i.Mnemonic is not (Mnemonic.Add or Mnemonic.Sub) || i.Op0Register.GetSize() != 8 || i.Op1Kind is OpKind.Register or OpKind.Memory)
                {
                    break;
                }

                moved += i.Mnemonic == Mnemonic.Add ? (long)i.GetImmediate(1) : -(long)i.GetImmediate(1);
            }
        }

        bytes = high - low;
        return accesses >= 2 ? last : -1;
    }

    private bool IsSimple(int k, in Instruction i, in InstructionEntry e)
    {
        if (k >= _simpleKnown)
        {
            _simple[k] = IsSimple(i, e);
            _simpleKnown = k + 1;
        }

        return _simple[k];
    }

    /// <summary>Whether an instruction may stand in a run: it does not leave (but for RET, which ends it), writes no register
    /// but its first operand, and leaves r10 alone.</summary>
    private bool IsSimple(in Instruction i, in InstructionEntry e)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Push:
                return i.StackPointerIncrement == -8 && i.Op0Kind != OpKind.Memory && !(i.Op0Kind == OpKind.Register && i.Op0Register.IsSegmentRegister());
            case Mnemonic.Ret:
                return i.Code is Code.Retnq or Code.Retnq_imm16;
            case Mnemonic.Pop:
                return i.StackPointerIncrement == 8 && i.Op0Kind == OpKind.Register && !i.Op0Register.IsSegmentRegister() && i.Op0Register != Register.RSP;
            case Mnemonic.Mov or Mnemonic.Movzx or Mnemonic.Movsx or Mnemonic.Movsxd or Mnemonic.Add or Mnemonic.Sub or Mnemonic.And or Mnemonic.Or
                or Mnemonic.Xor or Mnemonic.Cmp or Mnemonic.Test or Mnemonic.Inc or Mnemonic.Dec or Mnemonic.Neg or Mnemonic.Not or Mnemonic.Shl
                or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Lea or Mnemonic.Nop or Mnemonic.Endbr64:
                break;
            case Mnemonic.Imul:
                if (i.OpCount < 2)
                {
                    return false;
                }

                break;
            default:
                if (!e.UsesVector || e.Op0 == OperandRole.Implied || i.Mnemonic is Mnemonic.Pcmpestri or Mnemonic.Pcmpistri or Mnemonic.Vpcmpestri or Mnemonic.Vpcmpistri)
                {
                    return false;
                }

                break;
        }

        if (e.Class != InstructionClass.Carried || e.UsesX87 || i.HasLockPrefix || !Offers(e)
            || (e.UsesVector && (_mode.SseUndefined || _mode.AvxUndefined || _mode.VectorsUnavailable)))
        {
            return false;
        }

        int spilled = -1;
        for (int k = 0; k < i.OpCount; k++)
        {
            if (i.GetOpKind(k) != OpKind.Register || !i.GetOpRegister(k).IsGPR())
            {
                continue;
            }

            Register r = i.GetOpRegister(k);
            int guest = r.GetFullRegister().GetNumber();
            if (r is >= Register.AH and <= Register.BH || (HostOf(guest) < 0 && spilled >= 0 && spilled != guest))
            {
                return false;
            }

            spilled = HostOf(guest) < 0 ? guest : spilled;
        }

        if (i.Mnemonic == Mnemonic.Lea)
        {
            return spilled < 0 && i.Op0Register.GetSize() >= 4 && InHost(i.MemoryBase) && InHost(i.MemoryIndex);
        }

        return !HasMemory(i) || (i.MemoryIndex == Register.None && i.MemoryBase.IsGPR64()
            && MemoryOperand.SegmentBaseOf(i.MemorySegment, _mode) < 0 && e.MemoryBytes > 0);
    }

    private static bool InHost(Register r) => r == Register.None || (r.IsGPR64() && HostOf(r.GetNumber()) >= 0);
}
