using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;
using Bulkhead.X86.Instructions;
using Bulkhead.X86.State;
using Iced.Intel;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <summary>Turns a <see cref="BlockPlan"/> into host code.</summary>
/// <remarks>
/// <para>Registers: see <see cref="RegisterMap"/>. Flags are in the host at every block's entry and exit.</para>
/// <para>Every memory operand is checked against the data TLB first (<c>BlockEmitter.Memory</c>), which leaves its host
/// address in r10; then the instruction itself runs, so its effects come after every fault it can raise.</para>
/// <para><i>Threading</i>: under the code space's lock. No allocation.</para>
/// </remarks>
internal sealed unsafe partial class BlockEmitter(CodeWriter writer, Thunks thunks, IEmissionLog space, EngineOptions options)
{
    private readonly CodeWriter _w = writer;
    private readonly Thunks _thunks = thunks;
    private readonly IEmissionLog _space = space;
    private readonly EngineOptions _options = options;
    private readonly Stub[] _stubs = new Stub[1024];
    private BlockPlan _plan = new(1);
    private ModeWord _mode;
    private FlagsPlace _flags;
    private int _stubCount;
    private int _index;
    private int _note;
    private int _notes;
    private int _viewTable;

    /// <summary>Emits the block at the writer's place; the caller checked that there is room.</summary>
    internal void Emit(BlockPlan plan)
    {
        _plan = plan;
        _mode = plan.Mode;
        _flags = FlagsPlace.Host;
        _stubCount = 0;
        _labelJumpCount = 0;
        _labels.AsSpan(0, plan.Count).Fill(-1);
        _scratch.Forget();
        _simpleKnown = 0;
        if (plan.FlagsEntry == FlagsEntry.Saves)
        {
            FreeHostFlags(FlagFacts.All);
        }

        _viewTable = Offsets.Tlb + (_mode.View * VcpuState.TlbEntries * sizeof(VcpuState.TlbEntry));
        int counted = _options.CountInstructions ? EmitCount() : -1;
        if (plan.SecondPage != 0 && !plan.Relative)
        {
            EmitSecondPageCompare();
        }

        if (EmitInstructions(out int emitted))
        {
            _index = plan.Count;
            EmitEdge(plan.Instructions[plan.Count - 1].NextIP, plan.LiveAtNext[plan.Count - 1]);
        }

        plan.Count = emitted;
        _notes = emitted;
        EmitStubs();
        plan.Notes = _notes;
        if (counted >= 0)
        {
            _w.Patch(counted, plan.Count);
        }
    }

    /// <summary>Emits the instructions; false when the guest does not go on behind the last of them.</summary>
    private bool EmitInstructions(out int emitted)
    {
        bool open = true;
        emitted = 0;
        for (_index = 0; _index < _plan.Count; _index++)
        {
            _note = _index;
            if (_plan.IsLabel[_index])
            {
                EmitLabel(open);
                open = true;
            }

            if (!open)
            {
                MarkEffect(); // nobody comes here
                continue;
            }

            if (!TryEmitShared(ref open))
            {
                MarkEffect();
                open = EmitInstruction(_plan.Instructions[_index]);
            }

            emitted = _index + 1;
        }

        return open;
    }

    /// <summary>Adds the block's instructions, as yet unknown, to the count; flags are untouched. Returns the number's place.</summary>
    private int EmitCount()
    {
        _w.LoadState(R11, Offsets.Count);
        _w.Bytes(0x4D, 0x8D, 0x9B); // lea r11, [r11 + number]
        int place = _w.Length;
        _w.Int32(0);
        _w.StoreState(Offsets.Count, R11);
        return place;
    }

    /// <summary>Whether an instruction is emitted; the others are interpreted.</summary>
    internal static bool Emits(in Instruction i, ModeWord mode, EngineOptions options) =>
        (InstructionTable.Get(i.Code).Class == InstructionClass.Carried && i.Mnemonic != Mnemonic.Pause) || HasTemplate(i, mode, options);

    /// <summary>Whether the emitter has a template of its own for an instruction of class Control or System.</summary>
    internal static bool HasTemplate(in Instruction i, ModeWord mode, EngineOptions options)
    {
        switch (i.FlowControl)
        {
            case FlowControl.ConditionalBranch:
                return i.Mnemonic is not (Mnemonic.Xbegin or Mnemonic.Xend or Mnemonic.Xabort);
            case FlowControl.UnconditionalBranch:
                return i.Op0Kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64;
            case FlowControl.Call:
                return i.Op0Kind is OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64;
            case FlowControl.IndirectBranch:
                return i.Code is Code.Jmp_rm64 or Code.Jmp_rm32 or Code.Jmp_rm16;
            case FlowControl.IndirectCall:
                return i.Code is Code.Call_rm64 or Code.Call_rm32 or Code.Call_rm16;
            case FlowControl.Return:
                return i.Mnemonic == Mnemonic.Ret;
            default:
                break;
        }

        switch (i.Mnemonic)
        {
            case Mnemonic.Push:
            case Mnemonic.Pop:
                return i.Op0Kind != OpKind.Register || !i.Op0Register.IsSegmentRegister();
            case Mnemonic.Leave:
            case Mnemonic.Nop:
            case Mnemonic.Endbr64:
            case Mnemonic.Endbr32:
                return true;
            case Mnemonic.Pause:
                return !options.CountInstructions; // there it may end the turn: the vCPUs wait for each other on one thread
            case Mnemonic.Prefetcht0:
            case Mnemonic.Prefetcht1:
            case Mnemonic.Prefetcht2:
            case Mnemonic.Prefetchnta:
            case Mnemonic.Prefetchw:
                return true;
            default:
                return options.InlineSystem && HasSystemTemplate(i, mode, options);
        }
    }

    /// <summary>Emits one instruction; false when the block ends with it.</summary>
    private bool EmitInstruction(in Instruction instruction)
    {
        ref readonly InstructionEntry entry = ref InstructionTable.Get(instruction.Code);
        InstructionClass kind = entry.Class;
        if (kind == InstructionClass.Absent || instruction.IsInvalid || !Offers(entry)
            || (instruction.HasLockPrefix && !(entry.Lockable && HasMemory(instruction))))
        {
            // The decoder gives up at the 15 bytes an instruction may have.
            bool tooLong = instruction.IsInvalid && instruction.Length == 15;
            return EmitRaise(instruction, tooLong ? GuestFault.GeneralProtection : GuestFault.InvalidOpcode);
        }

        bool isMmx = entry.UsesX87 && entry.Map != 0;
        if (entry.UsesVector || isMmx)
        {
            if (!entry.UsesVector ? _mode.MmxUndefined : entry.Vex ? _mode.AvxUndefined : _mode.SseUndefined)
            {
                return EmitRaise(instruction, GuestFault.InvalidOpcode);
            }

            if (_mode.VectorsUnavailable)
            {
                return EmitRaise(instruction, GuestFault.DeviceNotAvailable);
            }
        }
        else if (entry.UsesX87 && (instruction.Mnemonic == Mnemonic.Wait ? _mode.WaitUnavailable : _mode.X87Unavailable))
        {
            return EmitRaise(instruction, GuestFault.DeviceNotAvailable);
        }

        bool carried = kind == InstructionClass.Carried && instruction.Mnemonic != Mnemonic.Pause;
        if (!(carried && IsPlain(instruction.Mnemonic)) && HasTemplate(instruction, _mode, _options))
        {
            return EmitTemplate(instruction);
        }

        if (!carried)
        {
            return EmitInterpret(instruction);
        }

        if (instruction.Mnemonic == Mnemonic.Lea)
        {
            EmitLea(instruction);
        }
        else
        {
            EmitCarried(instruction, entry);
        }

        return true;
    }

    private bool Offers(in InstructionEntry entry) => entry.Feature == CpuFeature.Base || _space.Offers(entry.Feature);

    /// <summary>Whether instructions of class Carried have no template: all but these.</summary>
    private static bool IsPlain(Mnemonic m) =>
        m is not (Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc or Mnemonic.Nop or Mnemonic.Pause or Mnemonic.Endbr32 or Mnemonic.Endbr64);

    /// <summary>Leaves to have an instruction interpreted, for good or to go on behind it.</summary>
    private bool EmitInterpret(in Instruction instruction)
    {
        EmitCrossing(instruction);
        uint number = (uint)_space.NoteInterpreted(instruction) << 8;
        if (!_plan.GoesOnInterpreted[_index])
        {
            return EmitLeaveAt(instruction.IP, (uint)ExitCode.Interpret | number, FlagsPlace.Host);
        }

        FreeHostFlags(FlagFacts.All);
        EmitTarget(instruction.IP, (uint)ExitCode.InterpretWithin | number);
        _w.CallTo(AnswerOf(instruction));
        return GoOn(instruction);
    }

    /// <summary>The thunk by which an instruction is interpreted, of which some know answers themselves.</summary>
    private byte* AnswerOf(in Instruction i) => i.Mnemonic switch
    {
        Mnemonic.Cpuid when _options.InlineSystem => _thunks.Cpuid,
        Mnemonic.Wrmsr when _options.InlineSystem && _mode is { Code64: true, Cpl: 0 } => _thunks.WriteMsr,
        _ => _thunks.Leave,
    };

    private bool EmitRaise(in Instruction instruction, byte vector) =>
        EmitLeaveAt(instruction.IP, (uint)ExitCode.Raise | ((uint)vector << 8), FlagsPlace.Host);

    /// <summary>Leaves for good with a guest RIP; the flags are complete in the state afterwards.</summary>
    private bool EmitLeaveAt(ulong rip, uint code, FlagsPlace whenUnknown)
    {
        EmitTarget(rip, code);
        FlagsPlace place = _flags == FlagsPlace.Dead ? whenUnknown : _flags;
        _w.CallTo(place == FlagsPlace.Saved ? _thunks.Leave : _thunks.LeaveSavingFlags);
        return false;
    }

    private void EmitTarget(ulong rip, uint code)
    {
        _w.MoveConstant(R10, rip);
        EmitExitWord(code);
    }

    /// <summary>Why the block leaves, for a place it leaves with a RIP in r10.</summary>
    private void EmitExitWord(uint code)
    {
        _w.MoveConstant(R11, WithRip(code));
        if (ExitWord.Reason(code) is ExitCode.Interpret or ExitCode.InterpretWithin)
        {
            _w.Note(CodePlaceKind.InterpretedNumber, _w.Length - sizeof(uint));
        }
    }

    /// <summary>Whether an operand is in memory.</summary>
    internal static bool HasMemory(in Instruction i) => i.Op0Kind == OpKind.Memory || i.Op1Kind == OpKind.Memory || i.Op2Kind == OpKind.Memory || i.Op3Kind == OpKind.Memory;

    /// <summary>Notes that instruction <see cref="_index"/>'s effect is emitted next.</summary>
    private void MarkEffect()
    {
        ref readonly Instruction instruction = ref _plan.Instructions[_index];
        _space.NoteInstruction(_note, _w.Length, (int)(instruction.IP - _plan.Rip), _flags == FlagsPlace.Saved);
    }

    /// <summary>Before emitting code that destroys host flags while what comes from instruction i on may read them.</summary>
    private void FreeHostFlags(int live)
    {
        if (_flags != FlagsPlace.Host)
        {
            return;
        }

        if (live != 0)
        {
            _w.SaveFlags(Offsets.Flags, overflow: (live & FlagFacts.Overflow) != 0);
            _flags = FlagsPlace.Saved;
        }
        else
        {
            _flags = FlagsPlace.Dead;
        }
    }

    /// <summary>Before emitting an instruction that reads host flags or leaves some of them as they are.</summary>
    private void NeedHostFlags()
    {
        if (_flags == FlagsPlace.Saved)
        {
            _w.RestoreFlags(Offsets.Flags);
            _flags = FlagsPlace.Host;
        }
    }

    private enum StubKind
    {
        Memory,
        MemorySlot,
        MemoryWindow,
        Target,
        EdgeSaved,
        EdgeHost,
        Code,
        Run,
        Dispatch,
    }

    private struct Stub
    {
        internal StubKind Kind;
        internal int Place;
        internal int Back;
        internal int Index;
        internal uint Code;
        internal ulong Target;
        internal int Edge;
        internal int Jump;
        internal (int First, int Second) Limit;
        internal int Slot;
        internal int Last;
        internal FlagsPlace Before;
        internal FlagsPlace After;
        internal MemoryOperand Operand;
    }
}
