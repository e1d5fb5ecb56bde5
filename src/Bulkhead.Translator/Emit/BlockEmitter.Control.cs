using Bulkhead.Translator.State;
using Bulkhead.X86.State;
using Iced.Intel;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>Control flow, and the few system instructions worth emitting.</content>
internal sealed unsafe partial class BlockEmitter
{
    private bool EmitTemplate(in Instruction i)
    {
        switch (i.FlowControl)
        {
            case FlowControl.ConditionalBranch:
                return i.IsJccShortOrNear ? EmitJcc(i) : EmitCounting(i);
            case FlowControl.UnconditionalBranch:
                EmitEdge(i.NearBranchTarget, _plan.LiveAtTarget[_index]);
                return false;
            case FlowControl.Call:
            case FlowControl.IndirectCall:
                return EmitCall(i);
            case FlowControl.IndirectBranch:
                EmitTarget(i);
                EmitIndirectJump();
                return false;
            case FlowControl.Return:
                EmitReturn(i);
                return false;
            default:
                break;
        }

        switch (i.Mnemonic)
        {
            case Mnemonic.Push:
                return EmitPush(i);
            case Mnemonic.Pop:
                return EmitPop(i);
            case Mnemonic.Leave:
                return EmitLeave(i);
            case Mnemonic.Pause:
                _w.Bytes(0xF3, 0x90);
                return true;
            case Mnemonic.Nop or Mnemonic.Endbr32 or Mnemonic.Endbr64 or Mnemonic.Prefetcht0 or Mnemonic.Prefetcht1 or Mnemonic.Prefetcht2
                or Mnemonic.Prefetchnta or Mnemonic.Prefetchw:
                return true;
            default:
                return EmitSystem(i);
        }
    }

    /// <summary>Jcc. One instruction where the target is entered as the flags are, further on in the page.</summary>
    private bool EmitJcc(in Instruction i)
    {
        ulong target = i.NearBranchTarget;
        bool linked = IsLinkedJcc(i);
        int condition = i.ConditionCode - ConditionCode.o;
        bool inHost = linked && _plan.LiveAtTarget[_index] && _plan.LabelAt(target) >= 0; // as labels expect them
        bool known = _scratch.IsAt(_w.Length);
        if (inHost || !TryTestSaved(ref condition))
        {
            NeedHostFlags();
            known = _scratch.IsAt(_w.Length);
        }

        if (linked)
        {
            EmitLinkedJcc(condition, target, _plan.LiveAtTarget[_index]);
        }
        else
        {
            FlagsPlace place = _flags;
            int over = _w.Jcc(condition ^ 1);
            EmitEdge(target, _plan.LiveAtTarget[_index]);
            _w.Bind(over);
            _flags = place;
        }

        _scratch.Move(_w.Length, known);
        return GoOn(i);
    }

    /// <summary>Where the flags are saved and a condition is of one of them, or of CF and ZF: tests them there.</summary>
    /// <param name="condition">The condition, then what to branch by instead.</param>
    private bool TryTestSaved(ref int condition)
    {
        (int place, int mask) = (condition >> 1) switch
        {
            0 => (0, 0x01), // o
            1 => (1, 0x01), // b
            2 => (1, 0x40), // e
            3 => (1, 0x41), // be
            4 => (1, 0x80), // s
            5 => (1, 0x04), // p
            _ => (0, 0),
        };
        if (_flags != FlagsPlace.Saved || mask == 0)
        {
            return false;
        }

        _w.TestStateByte(Offsets.Flags + place, (byte)mask);
        condition = 5 ^ (condition & 1); // not zero for the condition, zero for its opposite
        return true;
    }

    /// <summary>Whether a conditional branch is one instruction, which whoever links its target changes.</summary>
    private bool IsLinkedJcc(in Instruction i)
    {
        ulong target = i.NearBranchTarget;
        return !_plan.Transient && _options.Chain && IsSamePage(target) && target > i.IP && !IsDistant(target) && !LeavesRegion(i.IP, target);
    }

    /// <summary>Goes on behind a conditional branch or a call, in this block or another. Whether in this.</summary>
    private bool GoOn(in Instruction i)
    {
        if (!_plan.Closes[_index] && _index + 1 < _plan.Count)
        {
            return true;
        }

        EmitEdge(i.NextIP, _plan.LiveAtNext[_index]);
        return false;
    }

    private bool EmitCounting(in Instruction i)
    {
        (int taken, int notTaken) = EmitCountBranch(i);
        FlagsPlace place = _flags;
        if (notTaken >= 0)
        {
            _w.Bind(notTaken);
        }

        EmitEdge(i.NextIP, _plan.LiveAtNext[_index]);
        _w.Bind(taken);
        _flags = place;
        EmitEdge(i.NearBranchTarget, _plan.LiveAtTarget[_index]);
        return false;
    }

    /// <summary>LOOP, LOOPE, LOOPNE, JCXZ: flags stay as they are. Returns the rel32 of the taken and (or -1) of another not-taken jump.</summary>
    private (int Taken, int NotTaken) EmitCountBranch(in Instruction i)
    {
        // The count's width is the address size.
        int bits = i.Code switch
        {
            Code.Jcxz_rel8_16 or Code.Jcxz_rel8_32 or Code.Loop_rel8_16_CX or Code.Loop_rel8_32_CX
                or Code.Loope_rel8_16_CX or Code.Loope_rel8_32_CX or Code.Loopne_rel8_16_CX or Code.Loopne_rel8_32_CX => 16,
            Code.Jrcxz_rel8_16 or Code.Jrcxz_rel8_64 or Code.Loop_rel8_16_RCX or Code.Loop_rel8_64_RCX
                or Code.Loope_rel8_16_RCX or Code.Loope_rel8_64_RCX or Code.Loopne_rel8_16_RCX or Code.Loopne_rel8_64_RCX => 64,
            _ => 32,
        };
        bool counts = i.Mnemonic is Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne;
        if (i.Mnemonic is Mnemonic.Loope or Mnemonic.Loopne)
        {
            NeedHostFlags();
        }

        if (counts)
        {
            if (bits == 16)
            {
                _w.Lea(R11, Rcx, -1, w: false);
                _w.Byte(0x66);
                _w.RegReg(0x8B, Rcx, R11, w: false);
            }
            else
            {
                _w.Lea(Rcx, Rcx, -1, bits == 64);
            }
        }

        if (bits == 16)
        {
            // r11 = CX zero-extended; swapped into rcx for JRCXZ, which reads no flags.
            _w.Rex(false, R11, 0, Rcx);
            _w.Bytes(0x0F, 0xB7);
            _w.ModRmRegister(R11, Rcx);
            _w.Rex(true, R11, 0, Rcx);
            _w.Byte(0x87);
            _w.ModRmRegister(R11, Rcx);
        }

        // jrcxz zero; [xchg back]; (nonzero path) ... zero: [xchg back]; (zero path)
        if (bits == 32)
        {
            _w.Byte(0x67);
        }

        _w.Bytes(0xE3, 0);
        int shortPlace = _w.Length;
        SwapBack(bits);
        int nonZero = _w.Jmp();
        _w.PatchByte(shortPlace - 1, (byte)(_w.Length - shortPlace));
        SwapBack(bits);
        if (!counts)
        {
            // Zero is taken: fall into the not-taken edge from nonZero.
            return (_w.Jmp(), nonZero);
        }

        int zero = _w.Jmp();
        _w.Bind(nonZero);
        int taken = i.Mnemonic switch
        {
            Mnemonic.Loope => _w.Jcc(4),
            Mnemonic.Loopne => _w.Jcc(5),
            _ => _w.Jmp(),
        };
        return (taken, zero);
    }

    private void SwapBack(int bits)
    {
        if (bits == 16)
        {
            _w.Rex(true, R11, 0, Rcx);
            _w.Byte(0x87);
            _w.ModRmRegister(R11, Rcx);
        }
    }

    /// <summary>CALL near: push the return address, then go; the host return stack remembers where we are.</summary>
    private bool EmitCall(in Instruction i)
    {
        int size = -i.StackPointerIncrement;
        bool direct = i.FlowControl == FlowControl.Call;
        if (!direct)
        {
            EmitTarget(i);
            _w.StoreState(Offsets.Temporary, R10);
        }

        FreeHostFlags(_plan.LiveBefore[_index]);
        EmitStackAccess(-size, size, write: true);
        if (_plan.Relative)
        {
            EmitRip(R11, i.NextIP);
            EmitStore(R11, size);
        }
        else
        {
            EmitStoreConstant(i.NextIP, size);
        }

        EmitCommit(wrote: true);
        EmitStackAdjust(-size);

        if (_plan.Transient || !_options.ReturnStack)
        {
            if (direct)
            {
                EmitEdge(i.NearBranchTarget, _plan.LiveAtTarget[_index]);
            }
            else
            {
                _w.LoadState(R10, Offsets.Temporary);
                EmitIndirectJump();
            }

            return false;
        }

        if (direct)
        {
            EmitDirectCall(i.NearBranchTarget);
        }
        else
        {
            _w.LoadState(R10, Offsets.Temporary);
            EmitIndirectCall();
        }

        // The landing pad: the guest returns to r10, flags in the state.
        if (_plan.Relative)
        {
            _w.PopState(Offsets.CodeBase);
            EmitRip(R11, i.NextIP);
            _w.RegReg(0x3B, R10, R11);
        }
        else if (i.NextIP <= int.MaxValue || (long)i.NextIP is >= int.MinValue and < 0)
        {
            _w.RegImm(7, R10, (int)i.NextIP);
        }
        else
        {
            _w.MoveConstant(R11, i.NextIP);
            _w.RegReg(0x3B, R10, R11);
        }

        _w.BindTo(_w.Jcc(5), _thunks.Indirect[_mode.View]);
        _flags = FlagsPlace.Saved;
        return GoOn(i);
    }

    private void EmitDirectCall(ulong target)
    {
        if (IsDistant(target) && _options.Chain)
        {
            EmitRip(R10, target);
            EmitIndirectCall();
            return;
        }

        EmitLimitCheck(); // first of all: each way on from here pushes a return address
        PushCodeBase();
        if (!_options.Chain)
        {
            // Leave with the return address on the return stack.
            int call = _w.Call();
            int over = _w.Jmp();
            _w.Bind(call);
            EmitLeaveAt(target, (uint)ExitCode.Dispatch, FlagsPlace.Saved);
            _w.Bind(over);
        }
        else if (!IsSamePage(target))
        {
            EmitJumpToPage(target, call: true);
        }
        else
        {
            EmitLinkedJump(target, _plan.LiveAtTarget[_index], call: true);
        }

        EmitLimitStubs(target);
    }

    private void EmitIndirectCall()
    {
        PushCodeBase();
        if (InlineDispatch)
        {
            _stubs[_stubCount++] = new Stub { Kind = StubKind.Dispatch, Place = _w.Call() };
        }
        else
        {
            _w.CallTo(_thunks.Indirect[_mode.View]);
        }
    }

    private bool InlineDispatch => _options.JumpCache && !_options.CountInstructions;

    /// <summary>Below the return address of a position-independent block lies where its page stands.</summary>
    private void PushCodeBase()
    {
        if (_plan.Relative)
        {
            _w.PushState(Offsets.CodeBase);
        }
    }

    /// <summary>RET near: pop the target into r10 and let the host return stack say where that is.</summary>
    private void EmitReturn(in Instruction i)
    {
        int size = i.Code switch
        {
            Code.Retnq or Code.Retnq_imm16 => 8,
            Code.Retnd or Code.Retnd_imm16 => 4,
            _ => 2,
        };
        FreeHostFlags(FlagFacts.All);
        EmitStackAccess(0, size, write: false);
        EmitLoad(R10, R10, size);
        EmitStackAdjust(size + (i.OpCount > 0 ? i.Immediate16 : 0));
        if (_plan.Transient || !_options.ReturnStack)
        {
            EmitIndirectJump();
            return;
        }

        EmitLimitCheck();
        EmitLimitStubs(new Stub { Kind = StubKind.Code, Code = (uint)ExitCode.Limit });
        _w.Byte(0xC3);
    }

    /// <summary>Goes to r10, flags in the state. A transient block touches no table.</summary>
    private void EmitIndirectJump()
    {
        if (_plan.Transient)
        {
            _w.MoveConstant(R11, (uint)ExitCode.Dispatch);
            _w.CallTo(_thunks.Leave);
        }
        else if (InlineDispatch)
        {
            _thunks.EmitDispatch(_w, _mode.View);
        }
        else
        {
            _w.JmpTo(_thunks.Indirect[_mode.View]);
        }
    }

    /// <summary>Leaves an indirect target in r10 and the flags in the state.</summary>
    private void EmitTarget(in Instruction i)
    {
        FreeHostFlags(FlagFacts.All);
        int size = i.Code switch
        {
            Code.Jmp_rm64 or Code.Call_rm64 => 8,
            Code.Jmp_rm32 or Code.Call_rm32 => 4,
            _ => 2,
        };
        if (i.Op0Kind == OpKind.Memory)
        {
            EmitAccess(MemoryOperand.Of(i, _mode), size, MemoryFlags.None);
            EmitLoad(R10, R10, size);
        }
        else
        {
            int host = Operand(i.Op0Register.GetNumber(), R10);
            if (size == 8)
            {
                _w.Move(R10, host);
            }
            else
            {
                EmitZeroExtend(R10, host, size);
            }
        }
    }
}
