using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.Segmentation;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 2, JMP, CALL, RET; Vol. 3A, 5.8 Privilege Level Checking When Transferring Program Control.</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult Jump(in Instruction instruction)
    {
        if (TryFarOperand(in instruction, out int size, out ulong offset, out ushort selector, out bool far))
        {
            return far ? FarTransfer(in instruction, selector, offset, size, call: false) : NearJump(in instruction);
        }

        return InterpretResult.Fault;
    }

    private InterpretResult Call(in Instruction instruction)
    {
        if (!TryFarOperand(in instruction, out int size, out ulong offset, out ushort selector, out bool far))
        {
            return InterpretResult.Fault;
        }

        if (far)
        {
            return FarTransfer(in instruction, selector, offset, size, call: true);
        }

        size = -instruction.StackPointerIncrement;
        ulong next = NextRip(in instruction);
        if (!TryNearTarget(in instruction, size, out ulong target) || !CheckTarget(target, in SegmentOf(SegmentIndex.Cs), _r->Code64))
        {
            return InterpretResult.Fault;
        }

        if (!TryWriteStack(-size, size, next))
        {
            return InterpretResult.Fault;
        }

        MoveStack(-size);
        _r->Rip = target;
        return InterpretResult.Done;
    }

    private InterpretResult NearJump(in Instruction instruction)
    {
        int size = instruction.Code switch
        {
            Code.Jmp_rel8_16 or Code.Jmp_rel16 or Code.Jmp_rm16 => 2,
            Code.Jmp_rel8_32 or Code.Jmp_rel32_32 or Code.Jmp_rm32 => 4,
            _ => 8,
        };
        if (!TryNearTarget(in instruction, size, out ulong target) || !CheckTarget(target, in SegmentOf(SegmentIndex.Cs), _r->Code64))
        {
            return InterpretResult.Fault;
        }

        _r->Rip = target;
        return InterpretResult.Done;
    }

    private bool TryNearTarget(in Instruction instruction, int size, out ulong target)
    {
        if (instruction.Op0Kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64)
        {
            target = instruction.NearBranchTarget;
            return true;
        }

        return TryReadOperand(in instruction, 0, size, out target);
    }

    private InterpretResult NearReturn(in Instruction instruction)
    {
        int size = instruction.Code switch
        {
            Code.Retnw or Code.Retnw_imm16 => 2,
            Code.Retnd or Code.Retnd_imm16 => 4,
            _ => 8,
        };
        if (!TryReadStack(0, size, out ulong target) || !CheckTarget(target, in SegmentOf(SegmentIndex.Cs), _r->Code64))
        {
            return InterpretResult.Fault;
        }

        MoveStack(size + (instruction.OpCount > 0 ? instruction.Immediate16 : 0));
        _r->Rip = target;
        return InterpretResult.Done;
    }

    /// <summary>Tells far from near, and fetches the far pointer.</summary>
    private bool TryFarOperand(in Instruction instruction, out int size, out ulong offset, out ushort selector, out bool far)
    {
        far = true;
        offset = 0;
        selector = 0;
        switch (instruction.Code)
        {
            case Code.Jmp_ptr1616 or Code.Call_ptr1616:
                size = 2;
                (offset, selector) = (instruction.FarBranch16, instruction.FarBranchSelector);
                return true;
            case Code.Jmp_ptr1632 or Code.Call_ptr1632:
                size = 4;
                (offset, selector) = (instruction.FarBranch32, instruction.FarBranchSelector);
                return true;
            case Code.Jmp_m1616 or Code.Call_m1616:
                size = 2;
                break;
            case Code.Jmp_m1632 or Code.Call_m1632:
                size = 4;
                break;
            case Code.Jmp_m1664 or Code.Call_m1664:
                size = 8;
                break;
            default:
                size = 0;
                far = false;
                return true;
        }

        return TryReadFarPointer(in instruction, size, out offset, out selector);
    }

    private InterpretResult FarTransfer(in Instruction instruction, ushort selector, ulong offset, int size, bool call)
    {
        _exits.Add(ExitReason.Helper);
        Segment oldCs = SegmentOf(SegmentIndex.Cs);
        ulong returnRip = NextRip(in instruction);
        Segment target;
        if (!ProtectedMode)
        {
            target = oldCs;
            LoadReal(ref target, selector);
        }
        else
        {
            InterpretResult result = ResolveFarTarget(selector, call, ref offset, ref size, out target);
            if (result != InterpretResult.Done)
            {
                return result;
            }
        }

        bool long64 = _r->LongMode && target.Long;
        if (!CheckTarget(offset, in target, long64))
        {
            return InterpretResult.Fault;
        }

        if (call)
        {
            // Both slots are translated before either is written, so a fault leaves the stack as it was.
            if (!TryProbeStack(-size, size, write: true)
                || !TryProbeStack(-2 * size, size, write: true)
                || !TryWriteStack(-size, size, oldCs.Selector)
                || !TryWriteStack(-2 * size, size, returnRip))
            {
                return InterpretResult.Fault;
            }

            MoveStack(-2 * size);
        }

        SegmentOf(SegmentIndex.Cs) = target;
        _r->Rip = offset;
        return InterpretResult.Done;
    }

    /// <summary>The code segment a far JMP or CALL in protected mode ends in, through a call gate of the same level too.</summary>
    private InterpretResult ResolveFarTarget(ushort selector, bool call, ref ulong offset, ref int size, out Segment target)
    {
        target = default;
        if (IsNull(selector))
        {
            return FailGp();
        }

        if (!TryReadDescriptor(selector, GuestFault.GeneralProtection, 0, out Descriptor d, out ulong address))
        {
            return InterpretResult.Fault;
        }

        int cpl = _r->Cpl;
        if (d.IsCode)
        {
            bool allowed = d.IsConforming ? d.Dpl <= cpl : (selector & 3) <= cpl && d.Dpl == cpl;
            return TryCodeTarget(selector, d, address, cpl, allowed, out target) ? InterpretResult.Done : InterpretResult.Fault;
        }

        // System descriptors: call gates of 32 (or 64) and 16 bits, a task gate, TSSs.
        bool isKnown = !d.IsCodeOrData && (d.Type == 12 || (d.Type is 1 or 3 or 4 or 5 or 9 or 11 && !_r->LongMode));
        if (!isKnown || d.Dpl < Math.Max(cpl, selector & 3))
        {
            return Fail(SelectorFault(GuestFault.GeneralProtection, selector));
        }

        const string taskSwitch = "hardware task switch by far jump or call";
        if (d.Type is 1 or 3 or 9 or 11)
        {
            return SwitchTask(selector, 0, taskSwitch);
        }

        if (!d.Present)
        {
            return Fail(SelectorFault(GuestFault.SegmentNotPresent, selector));
        }

        if (d.Type == Gate.Task)
        {
            return SwitchTask(new Gate(d.Value).Selector, 0, taskSwitch);
        }

        if (!TryReadUpper(selector, address, out ulong upper))
        {
            return InterpretResult.Fault;
        }

        Gate gate = new(d.Value, upper);
        offset = d.Type == 4 ? gate.Offset16 : gate.Offset;
        size = _r->LongMode ? 8 : d.Type == 4 ? 2 : 4;
        selector = gate.Selector;
        if (IsNull(selector))
        {
            return FailGp();
        }

        if (!TryReadDescriptor(selector, GuestFault.GeneralProtection, 0, out d, out address))
        {
            return InterpretResult.Fault;
        }

        bool inner = call && !d.IsConforming && d.Dpl < cpl;
        bool reachable = (d.IsConforming ? d.Dpl <= cpl : d.Dpl == cpl || inner) && (!_r->LongMode || (d.Long && !d.Big));
        if (!TryCodeTarget(selector, d, address, inner ? d.Dpl : cpl, reachable, out target))
        {
            return InterpretResult.Fault;
        }

        return inner ? CallInner(d.Dpl, offset, in target) : InterpretResult.Done;
    }

    /// <summary>A call gate to an inner level is refused, once nothing else is wrong with it.</summary>
    private InterpretResult CallInner(int cpl, ulong offset, ref readonly Segment target)
    {
        ulong rsp = 0;
        Segment ss = default;
        bool hasStack = _r->LongMode ? TryLongStack(0, _r->Cpl, cpl, ref rsp, ref ss, 0) : TryInnerStack(cpl, 0, out _, out _);
        return hasStack && CheckTarget(offset, in target, _r->LongMode) ? Refuse("call gate to an inner privilege level") : InterpretResult.Fault;
    }

    /// <summary>Checks a code descriptor and makes the CS it loads at a privilege level.</summary>
    private bool TryCodeTarget(ushort selector, Descriptor d, ulong address, int cpl, bool allowed, out Segment target)
    {
        target = default;
        if (!allowed || !d.IsCode || (_r->LongMode && d.Long && d.Big))
        {
            return FailSelector(GuestFault.GeneralProtection, selector);
        }

        if (!d.Present)
        {
            return FailSelector(GuestFault.SegmentNotPresent, selector);
        }

        if (!TrySetAccessed(address, ref d))
        {
            return false;
        }

        target = d.ToSegment((ushort)((selector & ~3) | cpl));
        return true;
    }

    /// <summary>#GP(0) where a target lies outside its segment or is not canonical.</summary>
    private bool CheckTarget(ulong rip, ref readonly Segment cs, bool code64)
    {
        if (code64 ? Canonical.Is(rip) : rip <= cs.Limit)
        {
            return true;
        }

        Fault = GuestFault.Gp();
        return false;
    }

    private bool TryProbeStack(int displacement, int size, bool write) =>
        TryAddress(Register.SS, CutStack(_r->Gpr[Rsp] + (ulong)(long)displacement), size, write, out ulong linear)
            && TryProbe(linear, size, DataAccess(write));

    private InterpretResult FarReturn(in Instruction instruction)
    {
        int size = instruction.Code switch
        {
            Code.Retfw or Code.Retfw_imm16 => 2,
            Code.Retfd or Code.Retfd_imm16 => 4,
            _ => 8,
        };
        int release = instruction.OpCount > 0 ? instruction.Immediate16 : 0;
        _exits.Add(ExitReason.Helper);
        if (!TryReadStack(0, size, out ulong rip) || !TryReadStack(size, size, out ulong selector))
        {
            return InterpretResult.Fault;
        }

        if (!ProtectedMode)
        {
            ref Segment cs = ref SegmentOf(SegmentIndex.Cs);
            if (!CheckTarget(rip, in cs, false))
            {
                return InterpretResult.Fault;
            }

            LoadReal(ref cs, (ushort)selector);
            MoveStack((2 * size) + release);
            _r->Rip = rip;
            return InterpretResult.Done;
        }

        if (((int)selector & 3) <= _r->Cpl)
        {
            int width = StackSize;
            if (!TryReturnTo((ushort)selector, rip, null, 0))
            {
                return InterpretResult.Fault;
            }

            WriteGpr(Rsp, _r->Gpr[Rsp] + (ulong)((2 * size) + release), width);
            return InterpretResult.Done;
        }

        int at = (2 * size) + release;
        if (!TryReadStack(at, size, out ulong rsp) || !TryReadStack(at + size, size, out ulong ss)
            || !TryReturnTo((ushort)selector, rip, (ushort)ss, rsp))
        {
            return InterpretResult.Fault;
        }

        // The outer stack releases the parameters too.
        MoveStack(release);
        return InterpretResult.Done;
    }
}
