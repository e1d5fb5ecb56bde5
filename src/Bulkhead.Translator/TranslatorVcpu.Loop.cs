using System.Diagnostics;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Interpret;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator;

/// <content>The loop: look, find, run, answer.</content>
internal sealed unsafe partial class TranslatorVcpu
{
    /// <summary>So often a store may find that its page became code again before it is favoured.</summary>
    private const int MostRefusals = 3;

    private int _refusals;
    private int _writtenPage = -1;
    private bool _stopped;

    /// <summary>Whether, since it was cleared, an instruction was executed alone or interpreted, or an event delivered.</summary>
    private bool _executed;

    private Instruction _interpreted;
    private StopReason _stop;

    private StopReason Loop(long untilNs)
    {
        _stopped = false;
        int edge = NoEdge;
        bool look = true;
        while (true)
        {
            if (look || Volatile.Read(ref _state->Limit) != _normalLimit)
            {
                if (Look(untilNs))
                {
                    return _stop;
                }

                edge = NoEdge;
            }

            if (_state->ReturnStackPointer < _normalLimit + 256)
            {
                ResetReturnStack(); // full: a limit check left for it, or would at the next call
            }

            bool alone = _mode.Alone || _transientNeeded;
            if (_state->Count >= _state->CountExit)
            {
                if (_state->Count >= _instructionLimit)
                {
                    Stop(StopReason.Budget);
                    return _stop;
                }

                alone = true;
            }

            byte* entry = alone ? null : FindCode(edge);
            if (alone && !_stopped)
            {
                _transientNeeded = false;
                entry = PrepareTransient();
            }

            if (_stopped)
            {
                return _stop;
            }

            if (entry == null)
            {
                look = false; // a fetch fault was delivered, or the bytes at RIP changed
                edge = NoEdge;
                continue;
            }

            if (_log is not null)
            {
                JoinFlags();
                _log.Write(ref _state->Registers, _mode.Value);
            }

            look = Execute(entry, alone, out edge);
            if (_stopped)
            {
                return _stop;
            }
        }
    }

    /// <summary>Looks at what arrived from outside. True: the run ends with <see cref="_stop"/>.</summary>
    private bool Look(long untilNs)
    {
        ref Registers r = ref _state->Registers;
    again:
        if (Volatile.Read(ref _state->Limit) != _normalLimit)
        {
            Interlocked.Exchange(ref _state->Limit, _normalLimit);
            TakeSamples();
            if (Volatile.Read(ref _forget) != 0 || _generation != _space.Generation)
            {
                TakeNotice();
            }

            if (Volatile.Read(ref _flush) != 0)
            {
                Volatile.Write(ref _flush, 0);
                FlushAll();
            }

            if (Volatile.Read(ref _start) is not 0 and var start)
            {
                AnswerStart(start);
            }

            if (Volatile.Read(ref _state->TurnEnded) != 0)
            {
                Volatile.Write(ref _state->TurnEnded, 0);
                NoteAsked();
                Kick(); // whatever else waits is looked at when the next turn starts
                return Stop(StopReason.Kicked);
            }

            if (_io.Clock.NowNs >= untilNs)
            {
                Exits.Add(ExitReason.PreemptionTimer);
                return Stop(StopReason.Budget);
            }
        }

        if (r.Activity == (byte)ActivityState.WaitForSipi)
        {
            return Stop(StopReason.Halt);
        }

        if (r.InterruptShadow != 0)
        {
            if (_state->Count >= _instructionLimit)
            {
                return Stop(StopReason.Budget); // the next turn looks here first
            }

            // One instruction must come first; it matters only when something waits.
            if ((Volatile.Read(ref _nmi) != 0 && r.NmiBlocked == 0) || (_state->InterruptFlag != 0 && _io.Interrupts.HasPending))
            {
                Kick();
                byte* entry = PrepareTransient();
                if (entry != null && PassShadow(entry))
                {
                    goto again;
                }

                if (_stopped)
                {
                    return true;
                }
            }

            r.InterruptShadow = 0;
        }

        if (Volatile.Read(ref _nmi) != 0 && r.NmiBlocked == 0)
        {
            Volatile.Write(ref _nmi, 0);
            r.Activity = (byte)ActivityState.Active;
            Deliver(GuestFault.Nmi, InterruptKind.Nmi);
        }
        else if (_state->InterruptFlag != 0 && _io.Interrupts.HasPending && _io.Interrupts.TryAcknowledge(out byte vector))
        {
            r.Activity = (byte)ActivityState.Active;
            Deliver(vector, InterruptKind.External);
        }

        if (_stopped)
        {
            return true;
        }

        NoteInterrupts();
        return r.Activity == (byte)ActivityState.Halted && Stop(StopReason.Halt);
    }

    /// <summary>Executes the instruction in an interrupt's shadow. True: the next one is in a shadow too, or this one is to be found again.</summary>
    private bool PassShadow(byte* entry)
    {
        ref Registers r = ref _state->Registers;
        (byte shadow, ulong rip) = (r.InterruptShadow, r.Rip);
        r.InterruptShadow = 0;
        _executed = false;
        _ = Execute(entry, transient: true, out _);
        if (_stopped)
        {
            return false;
        }

        if (!_executed && r.Rip == rip)
        {
            r.InterruptShadow = shadow;
            return true;
        }

        if (shadow == 1 && r.InterruptShadow == 2)
        {
            return true; // STI, then a load of SS
        }

        TakeDebugTrap(step: false); // of several that load SS only the first holds events back
        return false;
    }

    /// <summary>INIT, SIPI, or both.</summary>
    /// <remarks><i>Source</i>: Intel SDM Vol. 3A, 8.4.3 MP Initialization Protocol Algorithm for MP Systems.</remarks>
    private void AnswerStart(int start)
    {
        ref Registers r = ref _state->Registers;
        if ((start & StartInit) != 0)
        {
            Exits.Add(ExitReason.Init);
            PowerUp.Init(ref r, _cpuid.Signature);
            r.Activity = (byte)ActivityState.WaitForSipi;
            SplitFlags();
            FlushAll();
            ReloadMode();
            _ = Breakpoints.Take();
        }

        if ((start & StartSipi) != 0 && r.Activity == (byte)ActivityState.WaitForSipi)
        {
            Exits.Add(ExitReason.Sipi);
            PowerUp.StartUp(ref r, (byte)start);
            ReloadMode();
        }

        // Where more came meanwhile, all of it is answered at the next look, for which whoever sent it has kicked: by now an INIT changes nothing.
        _ = Interlocked.CompareExchange(ref _start, 0, start);
    }

    // The handler knows the TSC alone.
    private void NoteAsked()
    {
        ulong ago = Emit.TrapHandler.ReadTsc() - _state->TurnEndTsc;
        EndAskedNs = Stopwatch.GetTimestamp() - (long)(ago * 1e9 / _io.Clock.TscHz);
    }

    /// <summary>An interrupt that EFLAGS.IF holds back is noted for emitted code that sets it; one that may come in is looked for.</summary>
    private void NoteInterrupts()
    {
        bool waits = _io.Interrupts.HasPending;
        _state->InterruptWaits = waits ? (byte)1 : (byte)0;
        if (waits && _state->InterruptFlag != 0)
        {
            Kick();
        }
    }

    /// <summary>Enters translated code and answers why it left, until it has to be found again. True: look first.</summary>
    private bool Execute(byte* entry, bool transient, out int edge)
    {
        edge = NoEdge;
        _pendingWrite = -1;
        _read = default;
        _state->ResumeAddress = (ulong)entry;
        ExitCode left = ExitCode.Dispatch;
        while (true)
        {
            if (!TryEnter(transient, committed: left == ExitCode.Commit))
            {
                if (left != ExitCode.Memory || _stored)
                {
                    return true;
                }

                GoBack();
                if (!TryTakeRead(out entry))
                {
                    return true;
                }

                _state->ResumeAddress = (ulong)entry;
                (transient, left) = (true, ExitCode.Dispatch);
                continue;
            }

            uint code = (uint)_state->Scratch1;
            left = ExitWord.Reason(code);
            ulong rip = _state->Scratch0;
            if (ExitWord.IsRelative(code))
            {
                rip += _state->CodeBase;
            }

            ref Registers r = ref _state->Registers;
            switch (left)
            {
                case ExitCode.Edge:
                    r.Rip = rip;
                    edge = (int)(code >> 8);
                    return AfterTransient(transient);
                case ExitCode.Indirect:
                case ExitCode.Dispatch:
                    r.Rip = rip;
                    return AfterTransient(transient);
                case ExitCode.Again:
                    r.Rip = rip;
                    Uncount(1);
                    edge = Stale;
                    _staleBlock = (byte*)_state->ResumeAddress;
                    return false;
                case ExitCode.Limit:
                    r.Rip = rip;
                    if (_mode.User64 && Volatile.Read(ref _state->Limit) != _normalLimit)
                    {
                        NoteFound();
                    }

                    _ = AfterTransient(transient);
                    return true;
                case ExitCode.Interpret:
                    r.Rip = rip;
                    Interpret();
                    return true;
                case ExitCode.InterpretWithin:
                    r.Rip = rip;
                    if (!InterpretWithin())
                    {
                        return true;
                    }

                    break;
                case ExitCode.Alone:
                    r.Rip = rip;
                    _transientNeeded = true;
                    return AfterTransient(transient);
                case ExitCode.Raise:
                    r.Rip = rip;
                    Uncount(1);
                    DeliverFault(Raised((byte)(code >> 8)));
                    return false;
                case ExitCode.Memory:
                    _ahead = _options.CountInstructions ? Here.Remaining - 1 : 0;
                    Now(VcpuActivity.Addresses);
                    bool goesOn = AnswerMemory(code);
                    Now(VcpuActivity.Dispatch);
                    _ahead = 0;
                    if (!goesOn)
                    {
                        return false;
                    }

                    break;
                case ExitCode.Commit:
                    CommitBounce();
                    break;
                case ExitCode.Trap:
                    AnswerTrap();
                    return false;
                default:
                    throw new UnreachableException();
            }
        }
    }

    /// <summary>After a device was read for the instruction at RIP, and the code that asked is gone: the instruction alone, which takes what
    /// was read, since a device may not be read twice.</summary>
    private bool TryTakeRead(out byte* entry)
    {
        _takesRead = _read.Size != 0 && _read.Rip == _state->Registers.Rip;
        entry = _takesRead ? PrepareTransient() : null;
        return entry != null;
    }

    /// <summary>Runs translated code once. False: somebody changed code meanwhile; the instruction it is at, or in, has to be found again.</summary>
    /// <param name="transient">Whether it is a transient block.</param>
    /// <param name="committed">Whether what it holds of memory's addresses was used already.</param>
    private bool TryEnter(bool transient, bool committed)
    {
        int inGuest = _state->InGuest + 1;
        Volatile.Write(ref _state->InGuest, inGuest);
        Now(VcpuActivity.Guest);
        if (_space.Shared)
        {
            Interlocked.MemoryBarrier();
            bool refused = _pendingWrite >= 0 && Volatile.Read(ref _space.IsCode(_pendingWrite)) != 0;
            if (refused || (!committed && Volatile.Read(ref _flush) != 0) || (!transient && (Volatile.Read(ref _forget) != 0 || _generation != _space.Generation)))
            {
                Volatile.Write(ref _state->InGuest, inGuest + 1);
                Now(VcpuActivity.Dispatch);
                if (refused && ++_refusals > MostRefusals)
                {
                    _writtenPage = _pendingWrite;
                    Volatile.Write(ref _space.IsBeingWritten(_writtenPage), 1);
                }

                return false;
            }
        }

        Tlb.ClearStaleSlots();
        bool stores = _pendingWrite >= 0;
        _pendingWrite = -1;
        _located = false;
        _state->Scratch1 = 0; // an address that was asked for is in r10 alone
        if (EnteredNs == 0)
        {
            EnteredNs = Stopwatch.GetTimestamp();
        }

        _enter();
        Now(VcpuActivity.Dispatch);
        _mode = new ModeWord(_state->Mode);
        uint code = (uint)_state->Scratch1;
        if (ExitWord.Reason(code) is ExitCode.Interpret or ExitCode.InterpretWithin)
        {
            _interpreted = _space.Interpreted((int)(code >> 8));
            if (ExitWord.IsRelative(code))
            {
                Rebase(ref _interpreted, _state->CodeBase);
            }
        }

        if (_space.Shared && ExitWord.Reason(code) is ExitCode.Memory or ExitCode.Trap)
        {
            Locate(); // while nobody may drop what it reads
        }

        Volatile.Write(ref _state->InGuest, inGuest + 1);
        if (stores)
        {
            EndRefusals();
        }

        return true;
    }

    /// <summary>Makes an instruction of a position-independent page one of where the page stands.</summary>
    private static void Rebase(ref Instruction instruction, ulong codeBase)
    {
        instruction.IP += codeBase;
        if (instruction.IsIPRelativeMemoryOperand)
        {
            ulong address = instruction.MemoryDisplacement64 + codeBase;
            instruction.MemoryDisplacement64 = instruction.MemoryBase == Register.EIP ? (uint)address : address;
        }

        if (instruction.Op0Kind == OpKind.NearBranch64)
        {
            instruction.NearBranch64 += codeBase;
        }
    }

    /// <summary>The store went through, or is given up for now: others may translate the page again.</summary>
    private void EndRefusals()
    {
        _refusals = 0;
        if (_writtenPage >= 0)
        {
            Volatile.Write(ref _space.IsBeingWritten(_writtenPage), 0);
            _writtenPage = -1;
        }
    }

    /// <summary>Takes instructions that did not complete off the count; negative: puts them back.</summary>
    private void Uncount(int instructions)
    {
        if (_options.CountInstructions)
        {
            _state->Count -= (ulong)(long)instructions;
        }
    }

    /// <summary>A transient instruction is complete: the traps of single-stepping and of breakpoints follow.</summary>
    private bool AfterTransient(bool transient)
    {
        if (transient)
        {
            _executed = true;
            _state->Registers.Rflags &= ~Rflags.RF;
            TakeDebugTrap(_mode.SingleStep);
        }

        return transient;
    }

    /// <summary>One #DB for everything the instruction before RIP is trapped for.</summary>
    private void TakeDebugTrap(bool step)
    {
        ulong dr6 = Breakpoints.Take() | (step ? Dr6.BS : 0);
        if (dr6 != 0)
        {
            JoinFlags();
            Finish(_interpreter.DeliverDebug(dr6));
        }
    }

    /// <summary>After MOV SS and POP SS, where traps wait for the next instruction, single steps are forgotten, and instruction
    /// breakpoints passed over as if RF were set.</summary>
    /// <remarks><i>Source</i>: Intel SDM Vol. 3A, 6.8.3 Masking Exceptions and Interrupts When Switching Stacks; Vol. 3B, 17.3.1.1.
    /// AMD's processors do not pass over instruction breakpoints.</remarks>
    private void HoldDebugTrap()
    {
        if (_mode.Breakpoints && !_cpuid.Amd)
        {
            _state->Registers.Rflags |= Rflags.RF;
        }
    }

    /// <summary>Interprets an instruction. Whether the block may go on behind it: nothing waits, and nothing changed that translated code depends on.</summary>
    private bool InterpretWithin()
    {
        ModeWord mode = _mode;
        int forgotten = _forgotten;
        ref Registers r = ref _state->Registers;
        if (!IsPlain(_interpreted))
        {
            Interpret();
        }
        else if (ExecuteInterpreted() is not InterpretResult.Done and var result)
        {
            AnswerUndone(result);
        }

        NoteInterrupts();
        return _mode == mode && r.Rip == _interpreter.NextRip(_interpreted) && r.InterruptShadow == 0 && r.Activity == (byte)ActivityState.Active
            && IsUndisturbed(forgotten);
    }

    /// <summary>Whether an instruction that the block goes on behind touches neither flags nor mode, whose parts may stay where they are.</summary>
    private bool IsPlain(in Instruction i) => i.Mnemonic switch
    {
        Mnemonic.In or Mnemonic.Out or Mnemonic.Cpuid or Mnemonic.Rdmsr => true,
        Mnemonic.Wrmsr => (uint)_state->Registers.Gpr[1] is < FirstSyscallMsr or > LastSyscallMsr,
        _ => false,
    };

    private InterpretResult ExecuteInterpreted()
    {
        ref Registers r = ref _state->Registers;
        _executed = true;
        (uint leaf, uint subleaf) = ((uint)r.Gpr[0], (uint)r.Gpr[1]);
        Exits.AddInterpreted(_interpreted.Code);
        Now(VcpuActivity.Interpretation);
        InterpretResult result = _interpreter.Execute(_interpreted, _io);
        Now(VcpuActivity.Dispatch);
        if (_interpreted.Mnemonic == Mnemonic.Cpuid)
        {
            NoteCpuid(leaf, subleaf);
        }

        return result;
    }

    private void Interpret()
    {
        ref Registers r = ref _state->Registers;
        JoinFlags();
        bool step = _mode.SingleStep;
        ModeWord mode = _mode;
        ref readonly Instruction instruction = ref _interpreted;
        InterpretResult result = ExecuteInterpreted();
        switch (result)
        {
            case InterpretResult.Done:
                // INT clears TF and so is not stepped; SYSCALL and SYSRET count the TF they leave.
                if (instruction.Mnemonic is Mnemonic.Int or Mnemonic.Int3 or Mnemonic.Int1 or Mnemonic.Into
                    or Mnemonic.Syscall or Mnemonic.Sysret or Mnemonic.Sysretq)
                {
                    step = (r.Rflags & Rflags.TF) != 0;
                }

                SplitFlags();
                ReloadMode();
                NoteCrossing(instruction, mode);
                if (r.InterruptShadow == 2)
                {
                    HoldDebugTrap();
                }
                else
                {
                    TakeDebugTrap(step);
                }

                break;
            case InterpretResult.Halt:
                SplitFlags();
                TakeDebugTrap(step); // which ends the halt
                break;
            case InterpretResult.Spin:
                SplitFlags();
                TakeDebugTrap(step);
                if (!_stopped)
                {
                    Stop(StopReason.Spin);
                }

                break;
            default:
                AnswerUndone(result);
                break;
        }
    }

    /// <summary>After an instruction that was not executed.</summary>
    private void AnswerUndone(InterpretResult result)
    {
        switch (result)
        {
            case InterpretResult.Fault:
                Uncount(1);
                DeliverFault(_interpreter.Fault);
                break;
            default:
                StopUnsupported(_interpreter.Unsupported ?? _interpreted.ToString());
                break;
        }
    }

    private bool Stop(StopReason reason)
    {
        _stop = reason;
        _stopped = true;
        LeftNs = Stopwatch.GetTimestamp();
        return true;
    }

    private void StopUnsupported(string what)
    {
        StopDetail = what;
        Stop(StopReason.Unsupported);
    }
}
