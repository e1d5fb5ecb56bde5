using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.State;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Verify;

/// <content>Where code goes: exits, limit checks, compares of pages, branches and what they are linked to.</content>
internal sealed partial class BlockVerifier
{
    private bool CheckExit(int i)
    {
        uint code = (uint)Int32At(_listing[i].Offset + 2);
        uint more = code >> 8;
        bool known = TryTargetBefore(i, out ulong target);
        if (ExitWord.IsRelative(code) != (known && _plan.Relative))
        {
            return Fail(i, "an exit that takes one RIP for another");
        }

        ExitCode reason = ExitWord.Reason(code);
        bool allowed = reason switch
        {
            ExitCode.Dispatch or ExitCode.Limit => more == 0,
            ExitCode.Again => more == 0 && known && IsLeft(target),
            ExitCode.Commit => more == 0 && _plan.Transient,
            ExitCode.Edge => !_plan.Transient && _options.Chain && known && _map.TryGetEdge((int)more, out _),
            ExitCode.Interpret => known && IsLeft(target) && _map.InterpretedAt((int)more) == target,
            ExitCode.InterpretWithin => !_plan.Transient && !_options.CountInstructions && known && IsInstruction(target)
                && _map.InterpretedAt((int)more) == target,
            ExitCode.Raise => more is GuestFault.InvalidOpcode or GuestFault.DeviceNotAvailable or GuestFault.GeneralProtection
                && known && IsInstruction(target),
            _ => false,
        };
        if (GoesTo(_listing[i + 1], _thunks.Cpuid) || GoesTo(_listing[i + 1], _thunks.WriteMsr))
        {
            allowed = allowed && reason == ExitCode.InterpretWithin && IsAnswered(_plan.Instructions[_plan.IndexOf(target)].Mnemonic, _listing[i + 1]);
        }

        return allowed ? Leaves(i, falls: reason is ExitCode.Commit or ExitCode.InterpretWithin) : Fail(i, "an exit for no reason");
    }

    /// <summary>Whether a thunk may answer an instruction: the right one, and of WRMSR those who may write.</summary>
    private bool IsAnswered(Mnemonic instruction, in ListedInstruction call) => GoesTo(call, _thunks.Cpuid)
        ? instruction == Mnemonic.Cpuid
        : instruction == Mnemonic.Wrmsr && _plan.Mode is { Code64: true, Cpl: 0 };

    /// <summary>Whether an instruction of the block stands at a RIP.</summary>
    private bool IsInstruction(ulong rip)
    {
        for (int k = 0; k < _plan.Count; k++)
        {
            if (_plan.Instructions[k].IP == rip)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the block may be left before an instruction that it began: where instructions are counted, the last.</summary>
    private bool IsLeft(ulong rip) => rip == Last.IP || (IsInstruction(rip) && !_options.CountInstructions);

    /// <summary>The constant moved to r10 right before an exit.</summary>
    private bool TryTargetBefore(int i, out ulong target)
    {
        target = 0;
        return i > 0 && _listing[i].Entries == 0 && TryConstant(_listing[i - 1].Offset, 10, out _, out target);
    }

    private bool CheckLimit(int i)
    {
        if (IsBlockTarget(_listing[i + 1], out int stub) && TryTarget(stub, ExitCode.Again, out ulong target, out _))
        {
            _limitChecked = true; // in the middle of an instruction
            _limitTarget = target;
            return true;
        }

        if (!TryLimitTarget(stub, out target)
            || (_options.CountInstructions && (!IsBlockTarget(_listing[i + 4], out stub) || !TryLimitTarget(stub, out ulong same) || same != target)))
        {
            return Fail(i, "a limit check that leads nowhere");
        }

        _limitChecked = true;
        _limitTarget = target;
        return true;
    }

    /// <summary>Where a failed limit check leaves for: by a stub of its own, or by an edge's.</summary>
    private bool TryLimitTarget(int stub, out ulong target)
    {
        target = 0;
        return stub >= 0 && (TryTarget(stub, ExitCode.Limit, out target, out _) || TryTarget(stub, ExitCode.Edge, out target, out _));
    }

    private bool CheckReturn(int i)
    {
        if (_plan.Transient || !_options.ReturnStack)
        {
            return Fail(i, "RET without a return stack");
        }

        return IsLimitExit(i + 1) && (!_options.CountInstructions || IsLimitExit(i + 4))
            ? Leaves(i, falls: false)
            : Fail(i, "a limit check that leads nowhere");
    }

    private bool IsLimitExit(int branch) =>
        IsBlockTarget(_listing[branch], out int stub) && _listing[stub].Template == Template.Exit
        && Int32At(_listing[stub].Offset + 2) == (int)ExitCode.Limit;

    /// <summary>At an index: a constant to r10 and an exit of that reason.</summary>
    private bool TryTarget(int index, ExitCode reason, out ulong target, out int number)
    {
        target = 0;
        number = -1;
        if (index + 1 >= _listing.Count || !TryConstant(_listing[index].Offset, 10, out _, out target)
            || _listing[index + 1].Template != Template.Exit || _listing[index + 1].Entries != 0)
        {
            return false;
        }

        uint code = (uint)Int32At(_listing[index + 1].Offset + 2);
        number = (int)(code >> 8);
        return ExitWord.Reason(code) == reason && ExitWord.IsRelative(code) == _plan.Relative;
    }

    private bool CheckPageCompare(int i)
    {
        ref ListedInstruction item = ref _listing[i];
        int branch = _plan.Relative ? i + 8 : i + 1;
        if (_plan.Transient || (item.Template == Template.RelativeCompare) != _plan.Relative || !IsBlockTarget(_listing[branch], out int stub))
        {
            return Fail(i, "a page compare that leads nowhere");
        }

        if (_plan.SecondPage != 0 && TryTarget(stub, ExitCode.Again, out _, out _))
        {
            return CheckSecondPage(i);
        }

        int exit = stub;
        if (_listing[stub].Own is { Map: 0, Opcode: 0xE8 } && _listing[stub].Template == Template.None)
        {
            // A call: the return address goes to the return stack first. The stub's own call is checked where it stands.
            _listing[stub].LimitOnEntry = _limitChecked;
            _listing[stub].PushedOnEntry = _basePushed;
            if (!IsBlockTarget(_listing[stub], out exit))
            {
                return Fail(i, "a page compare that leads nowhere");
            }
        }

        if (!TryTarget(exit, ExitCode.Edge, out ulong target, out int edge) || !_map.TryGetEdge(edge, out EdgePlaces places))
        {
            return Fail(i, "a page compare that leads nowhere");
        }

        if (_plan.Relative
            ? Int32At(item.Offset + 12) != (long)(target & ~0xFFFul)
            : Int32At(item.Offset + 4) != Offsets.CodeTlb + (VcpuState.SlotOf(_plan.Mode.InPages(target), _plan.Mode.View) * sizeof(ulong)))
        {
            return Fail(i, "the compare of another page's slot");
        }

        int id = item.Offset + (_plan.Relative ? 44 : 8);
        int miss = _listing[exit + 1].Offset + 7;
        if (places.Id != AddressOf(id) || (places.Id & 3) != 0 || Int32At(id) != -1
            || places.Miss != AddressOf(miss) || (places.Miss & 3) != 0)
        {
            return Fail(i, "the page id is not what linking writes");
        }

        _pageEdge = edge;
        return true;
    }

    /// <summary>The compare that an instruction of two pages starts with.</summary>
    private bool CheckSecondPage(int i)
    {
        int at = _listing[i].Offset;
        ulong second = (_plan.Mode.InPages(_plan.Rip) | 0xFFF) + 1;
        if (_checks != 0 || Int32At(at + 4) != Offsets.CodeTlb + (VcpuState.SlotOf(second, _plan.Mode.View) * sizeof(ulong))
            || Int32At(at + 8) != (int)VcpuState.SlotValue(second, _plan.SecondPage))
        {
            return Fail(i, "the compare of another page than the instruction ends in");
        }

        _secondPageCompared = true;
        return true;
    }

    private bool CheckPad(int i)
    {
        _ = TryPad(_listing[i].Offset, out _, out ulong value);
        return FollowsBranch(value) ? Leaves(i, falls: true) : Fail(i, "a landing pad for another return address");
    }

    /// <summary>What a position-independent block pushes its call's return address follows, and nothing comes between.</summary>
    private bool CheckPushBase(int i)
    {
        int next = i + 1;
        while (next < _listing.Count
            && (_listing[next] is { Template: Template.RelativeCompare, Entries: 0 }
                || (_listing[next] is { Template: Template.None, Entries: 0 } item && (!IsRelative(item.Own) || GoesTo(item, _thunks.JoinFlags)))))
        {
            next += _listing[next].Items;
        }

        bool pushed = _basePushed;
        _basePushed = true;
        return !pushed && _plan.Relative && next < _listing.Count && _listing[next] is { Template: Template.None, Entries: 0, Own: { Map: 0, Opcode: 0xE8 } }
            || Fail(i, "a push that belongs to no call");
    }

    /// <summary>A branch by itself.</summary>
    private bool CheckBranch(int i)
    {
        ref ListedInstruction item = ref _listing[i];
        ref readonly HostInstruction own = ref item.Own;
        bool call = own.Opcode == 0xE8 && own.Map == 0;
        bool conditional = own.Map == 1 || own.Opcode == 0xE3;
        bool plain = own is { Operand16: false, Lock: false, Repeat: 0, W: false } && (own.Segment == 0 || (own.Segment == Emit.CodeWriter.BranchPrefix && own.Map == 1)) && own.Address32 == (own.Address32 && own.Opcode == 0xE3);
        if (!plain || !(conditional || call || own.Opcode == 0xE9))
        {
            return Fail(i, "a branch of no known form");
        }

        if (!IsBlockTarget(item, out int target))
        {
            return CheckWayOut(i, call, conditional);
        }

        EdgePlaces places = default;
        bool edge = TryTarget(target, ExitCode.Edge, out ulong rip, out int number) && _map.TryGetEdge(number, out places);
        if (edge && places.Jump == AddressOf(item.Offset + own.Length - 4))
        {
            return CheckLink(i, rip, number, places, call) && FinishBranch(i, call, conditional);
        }

        if (!call)
        {
            return edge ? Fail(i, "a jump to another jump's edge") : CheckLoop(i, target, conditional) && FinishBranch(i, call, conditional);
        }

        if (_listing[target].Template == Template.Dispatch)
        {
            return FinishBranch(i, call);
        }

        // A call of a stub that leaves: what it pushes must lead to the pad.
        if (!_limitChecked)
        {
            return Fail(i, "a call without a limit check");
        }

        return edge || TryTarget(target, ExitCode.Dispatch, out _, out _) ? FinishBranch(i, call) : Fail(i, "a call into the block");
    }

    /// <summary>A branch to somewhere else.</summary>
    private bool CheckWayOut(int i, bool call, bool conditional)
    {
        ref ListedInstruction item = ref _listing[i];
        if (call && GoesTo(item, _thunks.JoinFlags))
        {
            Forget();
            return true; // it comes back
        }

        if (_plan.Transient)
        {
            return Fail(i, "a transient block goes elsewhere");
        }

        if (GoesTo(item, _thunks.Indirect[_plan.Mode.View]) && !conditional)
        {
            return FinishBranch(i, call);
        }

        if (_plan.Mode.ViewFollowsAc && !conditional && !call && GoesTo(item, _thunks.ChangeView[_plan.Mode.View - 1]))
        {
            return TryTargetBefore(i, out ulong next) && FollowsViewChange(next) ? FinishBranch(i, call) : Fail(i, "a change of the view that is not the guest's");
        }

        if (!conditional && !call && (GoesTo(item, _thunks.Syscall) || GoesTo(item, _thunks.Sysret)))
        {
            return IsCrossing(i, GoesTo(item, _thunks.Syscall)) ? FinishBranch(i, call) : Fail(i, "a change of privilege that is not the guest's");
        }

        if (!_options.Chain || !_map.TryFindEntry(AddressOf(TargetOf(item)), _plan.PageId, out ulong rip) || !SamePage(rip))
        {
            return Fail(i, "a jump to no known place");
        }

        return CheckTarget(i, rip, call) && FinishBranch(i, call, conditional);
    }

    /// <summary>An edge's jump before it is linked.</summary>
    private bool CheckLink(int i, ulong rip, int edge, EdgePlaces places, bool call)
    {
        if (_plan.Transient || !_options.Chain)
        {
            return Fail(i, "an edge where nothing is linked");
        }

        if ((places.Jump & 3) != 0 || places.SourcePage != _plan.PageId)
        {
            return Fail(i, "an edge that cannot be linked");
        }

        if (SamePage(rip) ? places.Id != 0 : _pageEdge != edge || places.Id == 0)
        {
            return Fail(i, "a jump to another page without the compare of its id");
        }

        return CheckTarget(i, rip, call);
    }

    /// <summary>A jump goes where the guest goes on, and not around and around, nor deeper, without a limit check.</summary>
    private bool CheckTarget(int i, ulong rip, bool call)
    {
        if (_plan.Relative && (rip & 0xFFF) > 4096 - BlockReader.MaxInstructionBytes)
        {
            return Fail(i, "a jump of position-independent code to an instruction that may end in another page");
        }

        bool goesOn = false;
        bool ahead = false;
        for (int k = 0; k < _plan.Count; k++)
        {
            ref readonly Instruction branch = ref _plan.Instructions[k];
            if (rip == branch.NearBranchTarget || (rip == branch.NextIP && (branch.FlowControl != FlowControl.Next || k == _plan.Count - 1)))
            {
                goesOn = true;
                ahead |= rip > branch.IP && (_options.CountInstructions ? (rip ^ _plan.Rip) >> BlockEmitter.CountedRegion : (rip ^ branch.IP) >> (_plan.Relative ? 12 : 15)) == 0;
            }
        }

        if (!goesOn)
        {
            return Fail(i, "a jump to where the guest does not go on");
        }

        return (!call && ahead) || (_limitChecked && _limitTarget == rip) || Fail(i, "a jump without its limit check");
    }

    /// <summary>Only of the mode the block is of is a change of privilege taken from what is noted.</summary>
    private bool CheckCrossing(int i) =>
        !_plan.Transient && _options.InlineSystem && (uint)Int32At(_listing[i].Offset + 8) == (uint)_plan.Mode.Value && IsBlockTarget(_listing[i + 1], out _)
            ? Leaves(i, falls: true)
            : Fail(i, "a change of privilege from another mode");

    /// <summary>Whether between that and the jump to the thunk stands nothing but the address the thunk asks for: SYSRET's own, or that after SYSCALL.</summary>
    private bool IsCrossing(int i, bool enters)
    {
        int compare = i - (_plan.Relative ? 4 : 3);
        if (compare < 0 || _listing[compare].Template != Template.Crossing || Int32At(_listing[compare].Offset + 4) != BlockEmitter.FromOf(enters, _plan.Mode)
            || _listing[i].Entries + _listing[i - 1].Entries != 0 || !TryAddressBefore(i, out ulong address))
        {
            return false;
        }

        for (int k = 0; k < _plan.Count; k++)
        {
            ref readonly Instruction crosses = ref _plan.Instructions[k];
            if (enters ? crosses.Mnemonic == Mnemonic.Syscall && crosses.NextIP == address : crosses.Mnemonic == Mnemonic.Sysretq && crosses.IP == address)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The address moved to r10 right before a jump; in a position-independent block it counts from where the page stands.</summary>
    private bool TryAddressBefore(int i, out ulong address)
    {
        if (!_plan.Relative)
        {
            return TryTargetBefore(i, out address);
        }

        address = (ulong)(long)_listing[i - 1].Own.Displacement;
        return _listing[i - 2] is { Entries: 0, Own: { Map: 0, Opcode: 0x8B, Reg: 10, Segment: 0x65 } load } && load.Displacement == Offsets.CodeBase
            && _listing[i - 1].Own is { Map: 0, Opcode: 0x8D, Reg: 10, Base: 10, Index: -1 };
    }

    /// <summary>Whether an instruction pointer is that after one of the block's instructions that change the view.</summary>
    private bool FollowsViewChange(ulong rip) =>
        TryInstructionBefore(rip, out Instruction before) && BlockEmitter.ChangesView(before, _plan.Mode, _options);

    /// <summary>Whether an instruction pointer is that after one of the block's calls.</summary>
    private bool FollowsBranch(ulong rip) =>
        TryInstructionBefore(rip, out Instruction before) && (before.FlowControl is FlowControl.Call or FlowControl.IndirectCall);

    private bool TryInstructionBefore(ulong rip, out Instruction before)
    {
        for (int k = 0; k < _plan.Count; k++)
        {
            if (_plan.Instructions[k].NextIP == rip)
            {
                before = _plan.Instructions[k];
                return true;
            }
        }

        before = default;
        return false;
    }

    /// <summary>A jump back to an instruction of the block, from where its code runs straight, stands after the limit check for just that.</summary>
    private bool CheckLoop(int i, int target, bool conditional)
    {
        if (_listing[target].Offset > _listing[i].Offset || _listing[i].Offset >= _outOfLine)
        {
            return true;
        }

        return (!conditional && _limitChecked && IsInstruction(_limitTarget)) || Fail(i, "a loop without its limit check");
    }

    /// <summary>Where the first slow path or stub begins: nothing before it is out of line.</summary>
    private int FindOutOfLine()
    {
        int first = _listing.Length;
        for (int i = 0; i < _listing.Count; i += _listing[i].Items)
        {
            int branch = _listing[i].Template switch
            {
                Template.Check or Template.WindowCheck => i + 4,
                Template.SlotCheck => i + 2,
                Template.Limit or Template.Return => i + 1,
                _ => -1,
            };
            if (branch >= 0 && TryInside(TargetOf(_listing[branch]), out int offset))
            {
                first = Math.Min(first, offset);
            }
        }

        return first;
    }

    /// <summary>After a call comes the landing pad, or a jump to it.</summary>
    private bool FinishBranch(int i, bool call, bool conditional = false)
    {
        if (!call)
        {
            int shared = conditional ? _sharedBytes : 0; // a branch leaves r10 as it is
            bool leaves = Leaves(i, falls: conditional);
            _sharedBytes = shared;
            return leaves;
        }

        if (_basePushed != _plan.Relative)
        {
            return Fail(i, "a call that does not keep where its page stands");
        }

        _basePushed = false;
        int pad = i + 1;
        if (pad < _listing.Count && _listing[pad].Template == Template.None && _listing[pad].Own is { Map: 0, Opcode: 0xE9 }
            && IsBlockTarget(_listing[pad], out int over))
        {
            pad = over;
        }

        if (!_options.ReturnStack || pad >= _listing.Count || _listing[pad].Template != Template.Pad)
        {
            return Fail(i, "a call without a landing pad");
        }

        _listing[i + 1].Entries++;
        return Leaves(i, falls: true);
    }

    private bool SamePage(ulong rip) => _plan.IsSamePage(rip);
}
