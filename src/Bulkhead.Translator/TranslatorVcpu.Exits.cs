using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Interpret;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator;

/// <content>Translated code is entered, leaves, and is answered.</content>
internal sealed unsafe partial class TranslatorVcpu
{
    /// <summary>So often a store may find that its page became code again before it is favoured.</summary>
    private const int MostRefusals = 3;

    private int _refusals;
    private int _writtenPage = -1;
    private bool _transient;
    private bool _stores;
    private int _edge;
    private ExitCode _left;
    private Next _next;
    private ExceptionDispatchInfo? _failure;
    private Instruction _interpreted;

    /// <summary>What comes after an exit.</summary>
    private enum Next : byte
    {
        /// <summary>Translated code goes on where it left.</summary>
        GoOn,

        /// <summary>It would, had nobody changed code meanwhile.</summary>
        EnterLater,

        /// <summary>Code is found anew.</summary>
        Find,

        /// <summary>So it is, after a look at what arrived from outside.</summary>
        Look,
    }

    /// <summary>Enters translated code and answers why it left, until it has to be found again. True: look first.</summary>
    private bool Execute(byte* entry, bool transient, out int edge)
    {
        _pendingWrite = -1;
        _read = default;
        (_transient, _left, _edge) = (transient, ExitCode.Dispatch, NoEdge);
        _state->ResumeAddress = (ulong)entry;
        _next = MayEnter();
        while (_next == Next.GoOn || (_next == Next.EnterLater && TryEnterAnew()))
        {
            _enter();
            if (_next == Next.GoOn)
            {
                AnswerExit();
            }

            if (_failure is { } failure)
            {
                _failure = null;
                failure.Throw();
            }
        }

        edge = _edge;
        return _next != Next.Find;
    }

    /// <summary>After somebody changed code while an exit was answered. False: the instruction has to be found again.</summary>
    private bool TryEnterAnew()
    {
        if (_left != ExitCode.Memory || _stored)
        {
            return false;
        }

        GoBack();
        if (!TryTakeRead(out byte* entry))
        {
            return false;
        }

        _state->ResumeAddress = (ulong)entry;
        (_transient, _left) = (true, ExitCode.Dispatch);
        _next = MayEnter();
        return _next == Next.GoOn;
    }

    /// <summary>Translated code asks, on its way out, whether it may go on at once.</summary>
    [UnmanagedCallersOnly]
    private static int AnswerInPlace(nint vcpu)
    {
        TranslatorVcpu self = GCHandle<TranslatorVcpu>.FromIntPtr(vcpu).Target;
        try
        {
            self.AnswerExit();
        }
#pragma warning disable CA1031 // No exception may cross translated code; it goes on behind it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            self._failure = ExceptionDispatchInfo.Capture(e);
            self._next = Next.Look;
        }

        return self._next == Next.GoOn ? 1 : 0;
    }

    /// <summary>Answers why translated code left, and says what comes next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AnswerExit()
    {
        NoteLeft();
        _next = Answer();
        if (_next == Next.GoOn)
        {
            _next = MayEnter();
        }
    }

    private Next Answer()
    {
        uint code = (uint)_state->Scratch1;
        _left = ExitWord.Reason(code);
        ulong rip = _state->Scratch0;
        if (ExitWord.IsRelative(code))
        {
            rip += _state->CodeBase;
        }

        ref Registers r = ref _state->Registers;
        switch (_left)
        {
            case ExitCode.Edge:
                r.Rip = rip;
                _edge = (int)(code >> 8);
                return AfterTransient();
            case ExitCode.Indirect:
            case ExitCode.Dispatch:
                r.Rip = rip;
                return AfterTransient();
            case ExitCode.Again:
                r.Rip = rip;
                Uncount(1);
                _edge = Stale;
                _staleBlock = (byte*)_state->ResumeAddress;
                return Next.Find;
            case ExitCode.Limit:
                r.Rip = rip;
                if (_mode.User64 && Volatile.Read(ref _state->Limit) != _normalLimit)
                {
                    NoteFound();
                }

                _ = AfterTransient();
                return Next.Look;
            case ExitCode.Interpret:
                r.Rip = rip;
                Interpret();
                return Next.Look;
            case ExitCode.InterpretWithin:
                r.Rip = rip;
                return InterpretWithin() ? Next.GoOn : Next.Look;
            case ExitCode.Alone:
                r.Rip = rip;
                _transientNeeded = true;
                return AfterTransient();
            case ExitCode.Raise:
                r.Rip = rip;
                Uncount(1);
                DeliverFault(Raised((byte)(code >> 8)));
                return Next.Find;
            case ExitCode.Memory:
                _ahead = _options.CountInstructions ? Here.Remaining - 1 : 0;
                Now(VcpuActivity.Addresses);
                bool goesOn = AnswerMemory(code);
                Now(VcpuActivity.Dispatch);
                _ahead = 0;
                return goesOn ? Next.GoOn : Next.Find;
            case ExitCode.Commit:
                CommitBounce();
                return Next.GoOn;
            case ExitCode.Trap:
                AnswerTrap();
                return Next.Find;
            default:
                throw new UnreachableException();
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

    /// <summary>Whether translated code may run: <see cref="Next.GoOn"/>, or, where somebody changed code meanwhile and the instruction it is at, or in,
    /// has to be found again, <see cref="Next.EnterLater"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Next MayEnter()
    {
        int inGuest = _state->InGuest + 1;
        Volatile.Write(ref _state->InGuest, inGuest);
        Now(VcpuActivity.Guest);
        if (_space.Shared)
        {
            Interlocked.MemoryBarrier();
            bool refused = _pendingWrite >= 0 && Volatile.Read(ref _space.IsCode(_pendingWrite)) != 0;
            bool flushed = _left != ExitCode.Commit && Volatile.Read(ref _flush) != 0; // after a commit what the code holds of memory's addresses was used already
            if (refused || flushed || (!_transient && (Volatile.Read(ref _forget) != 0 || _generation != _space.Generation)))
            {
                Volatile.Write(ref _state->InGuest, inGuest + 1);
                Now(VcpuActivity.Dispatch);
                if (refused && ++_refusals > MostRefusals)
                {
                    _writtenPage = _pendingWrite;
                    Volatile.Write(ref _space.IsBeingWritten(_writtenPage), 1);
                }

                return Next.EnterLater;
            }
        }

        Tlb.ClearStaleSlots();
        _stores = _pendingWrite >= 0;
        _pendingWrite = -1;
        _located = false;
        _state->Scratch1 = 0; // an address that was asked for is in r10 alone
        if (EnteredNs == 0)
        {
            EnteredNs = Stopwatch.GetTimestamp();
        }

        return Next.GoOn;
    }

    /// <summary>Takes what translated code left with, while nobody may drop it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteLeft()
    {
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
            Locate();
        }

        Volatile.Write(ref _state->InGuest, _state->InGuest + 1);
        if (_stores)
        {
            EndRefusals();
        }
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
    private Next AfterTransient()
    {
        if (!_transient)
        {
            return Next.Find;
        }

        _executed = true;
        _state->Registers.Rflags &= ~Rflags.RF;
        TakeDebugTrap(_mode.SingleStep);
        return Next.Look;
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
}
