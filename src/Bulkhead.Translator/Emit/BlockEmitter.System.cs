using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;
using Bulkhead.X86.Instructions;
using Bulkhead.X86.State;
using Iced.Intel;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>The system instructions worth emitting: those that only move between registers, memory and the state.</content>
internal sealed unsafe partial class BlockEmitter
{
    /// <summary>Flags of <see cref="Registers.Rflags"/> that PUSHF does not take from there, or not at all.</summary>
    private const ulong NotPushed = Rflags.Status | Rflags.IF | Rflags.DF | Rflags.VM | Rflags.RF;

    private static bool HasSystemTemplate(in Instruction i, ModeWord mode, EngineOptions options)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Cld:
            case Mnemonic.Std:
            case Mnemonic.Serialize:
                return true;
            case Mnemonic.Cli:
                return mode.InterruptFlagAllowed;
            case Mnemonic.Sti:
                return mode.InterruptFlagAllowed && !options.CountInstructions;
            case Mnemonic.Stac or Mnemonic.Clac:
                return mode.ViewFollowsAc;
            case Mnemonic.Rdtsc:
            case Mnemonic.Rdtscp:
                return !mode.TscDenied && !options.CountInstructions;
            case Mnemonic.Pushfq:
                return mode.Code64;
            case Mnemonic.Swapgs:
                return mode.Code64 && mode.Cpl == 0;
            case Mnemonic.Rdfsbase:
            case Mnemonic.Rdgsbase:
                return mode.Code64 && mode.FsGsBase;
            case Mnemonic.Wrfsbase:
            case Mnemonic.Wrgsbase:
                return mode.Code64 && mode.FsGsBase && !options.CountInstructions && i.Op0Register.GetSize() == 8;
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc:
                return i.Op0Kind == OpKind.Register || (mode.Code64 && i.Op1Kind == OpKind.Register && MemoryOperand.Of(i, mode).AddressBits == 64);
            default:
                if (HasStringTemplate(i, mode, options))
                {
                    return true;
                }

                return i.Code is Code.Mov_r32m16_Sreg or Code.Mov_r64m16_Sreg or Code.Mov_rm16_Sreg
                    ? mode.Code64
                    : i.Code == Code.Mov_r64_cr && mode.Cpl == 0 && i.Op1Register is Register.CR0 or Register.CR2 or Register.CR3 or Register.CR4;
        }
    }

    private bool EmitSystem(in Instruction i)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Cld:
                _w.StoreStateByte(Offsets.DirectionFlag, 0);
                return true;
            case Mnemonic.Std:
                _w.StoreStateByte(Offsets.DirectionFlag, 1);
                return true;
            case Mnemonic.Serialize:
                _w.Bytes(0x0F, 0xAE, 0xF0); // mfence: stores to code are seen at once anyway
                return true;
            case Mnemonic.Cli:
                _w.StoreStateByte(Offsets.InterruptFlag, 0);
                return true;
            case Mnemonic.Sti:
                return EmitSti(i);
            case Mnemonic.Stac or Mnemonic.Clac:
                return EmitViewChange(i);
            case Mnemonic.Rdtsc:
            case Mnemonic.Rdtscp:
                EmitReadTsc(i);
                return true;
            case Mnemonic.Pushfq:
                EmitPushFlags();
                return true;
            case Mnemonic.Swapgs:
                int gs = Offsets.SegmentBase((int)SegmentIndex.Gs);
                _w.LoadState(R10, gs);
                _w.LoadState(R11, Offsets.KernelGsBase);
                _w.StoreState(gs, R11);
                _w.StoreState(Offsets.KernelGsBase, R10);
                return true;
            case Mnemonic.Rdfsbase:
                EmitFromState(i, Offsets.SegmentBase((int)SegmentIndex.Fs));
                return true;
            case Mnemonic.Rdgsbase:
                EmitFromState(i, Offsets.SegmentBase((int)SegmentIndex.Gs));
                return true;
            case Mnemonic.Wrfsbase:
            case Mnemonic.Wrgsbase:
                EmitWriteBase(i, Offsets.SegmentBase((int)(i.Mnemonic == Mnemonic.Wrfsbase ? SegmentIndex.Fs : SegmentIndex.Gs)));
                return true;
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc:
                EmitBitTest(i);
                return true;
            case Mnemonic.Mov:
                EmitMove(i);
                return true;
            default:
                return EmitString(i);
        }
    }

    /// <summary>Whether the instruction goes on in another view.</summary>
    internal static bool ChangesView(in Instruction i, ModeWord mode, EngineOptions options) =>
        options.InlineSystem && mode.ViewFollowsAc && (mode.View == 1 ? i.Mnemonic == Mnemonic.Stac : i.Mnemonic == Mnemonic.Clac);

    private bool EmitViewChange(in Instruction i)
    {
        if (!ChangesView(i, _mode, _options))
        {
            return true;
        }

        if (_plan.Transient)
        {
            return EmitInterpret(i);
        }

        FreeHostFlags(FlagFacts.All);
        _w.MoveConstant(R10, i.NextIP);
        _w.JmpTo(_thunks.ChangeView[_mode.View - 1]);
        return false;
    }

    /// <summary>Where the state has the mode that SYSCALL or SYSRET of such code is noted for.</summary>
    internal static int FromOf(bool enters, ModeWord mode) => enters ? Offsets.Syscall + (mode.Windowed ? sizeof(ulong) : 0) : Offsets.Sysret;

    /// <summary>SYSCALL and SYSRET, before the exit that has them interpreted: where that was done before from this mode, a thunk does the same.</summary>
    private void EmitCrossing(in Instruction i)
    {
        bool enters = i.Mnemonic == Mnemonic.Syscall && _mode.User64;
        if (!_options.InlineSystem || _options.CountInstructions || _plan.Transient || !(enters || (i.Mnemonic == Mnemonic.Sysretq && _mode is { Code64: true, Cpl: 0 })))
        {
            return;
        }

        FreeHostFlags(FlagFacts.All);
        _w.StateImm(7, FromOf(enters, _mode), (int)_mode.Value); // cmp: all modes of 64-bit code are as short
        int other = _w.Jcc(5); // jne
        EmitRip(R10, enters ? i.NextIP : i.IP);
        _w.JmpTo(enters ? _thunks.Syscall : _thunks.Sysret);
        _w.Bind(other);
    }

    /// <summary>MOV from a control or segment register.</summary>
    private void EmitMove(in Instruction i)
    {
        if (i.Op0Kind == OpKind.Memory)
        {
            EmitAccess(MemoryOperand.Of(i, _mode), 2, MemoryFlags.Write);
            _w.LoadState16(R11, Offsets.SegmentSelector(i.Op1Register - Register.ES));
            EmitStore(R11, 2);
            EmitCommit(wrote: true);
            return;
        }

        EmitFromState(i, i.Op1Register switch
        {
            Register.CR0 => Offsets.Cr0,
            Register.CR2 => Offsets.Cr2,
            Register.CR3 => Offsets.Cr3,
            Register.CR4 => Offsets.Cr4,
            _ => Offsets.SegmentSelector(i.Op1Register - Register.ES),
        });
    }

    /// <summary>WRFSBASE, WRGSBASE; an address that is not canonical is the interpreter's.</summary>
    private void EmitWriteBase(in Instruction i, int field)
    {
        FreeHostFlags(_plan.LiveBefore[_index]);
        _w.Move(R10, Operand(i.Op0Register.GetNumber(), R10));
        _w.CompareCanonical(R10);
        EmitInterpretIf(5, i);
        _w.StoreState(field, R10);
    }

    /// <summary>BT, BTS, BTR, BTC of a string of bits in memory: the number within the element stands in r11.</summary>
    private void EmitBitTest(in Instruction i)
    {
        if (i.Op0Kind == OpKind.Register)
        {
            EmitCarried(i, InstructionTable.Get(i.Code));
            return;
        }

        int size = i.Op1Register.GetSize();
        MemoryOperand o = MemoryOperand.Of(i, _mode) with
        {
            BitsLog = size switch { 2 => 4, 4 => 5, _ => 6 },
            Bit = i.Op1Register.GetNumber(),
        };
        bool writes = i.Mnemonic != Mnemonic.Bt;
        EmitAccess(o, size, writes ? MemoryFlags.Write | MemoryFlags.ReadsToo : MemoryFlags.None);
        EmitBitNumber(o);
        _w.RegImm(4, R11, (size * 8) - 1, w: false); // and
        _w.StoreState(Offsets.Temporary, R11);
        if ((_plan.LiveBefore[_index + 1] & ~FlagFacts.Written(i)) != 0)
        {
            NeedHostFlags();
        }

        _w.LoadState(R11, Offsets.Temporary);
        MarkEffect();
        if (i.HasLockPrefix)
        {
            _w.Byte(0xF0);
        }

        if (size == 2)
        {
            _w.Byte(0x66);
        }

        _w.Rex(size == 8, R11, 0, R10);
        _w.Bytes(0x0F, i.Mnemonic switch { Mnemonic.Bt => 0xA3, Mnemonic.Bts => 0xAB, Mnemonic.Btr => 0xB3, _ => 0xBB });
        _w.ModRmMemory(R11, R10, -1, 0, 0);
        _flags = FlagsPlace.Host;
        EmitCommit(writes);
    }

    /// <summary>A register of 4 or 8 bytes from a field of the state of 8, or a selector of 2.</summary>
    private void EmitFromState(in Instruction i, int field)
    {
        int guest = i.Op0Register.GetNumber();
        int host = HostOf(guest);
        int to = host >= 0 ? host : R10;
        if (i.Op0Register.GetSize() == 2)
        {
            if (host < 0)
            {
                _w.LoadState(R10, Offsets.GprOf(guest));
            }

            _w.MergeState16(to, field);
        }
        else if (i.Op1Kind == OpKind.Register && i.Op1Register.IsSegmentRegister())
        {
            _w.LoadState16(to, field);
        }
        else
        {
            _w.LoadState(to, field, w: i.Op0Register.GetSize() == 8);
        }

        if (host < 0)
        {
            _w.StoreState(Offsets.GprOf(guest), R10);
        }
    }

    /// <summary>STI; interpreted where an interrupt waits for it, and at a block's end: what follows would not come before the next
    /// look at interrupts.</summary>
    private bool EmitSti(in Instruction i)
    {
        if (_index == _plan.Count - 1)
        {
            return EmitInterpret(i);
        }

        FreeHostFlags(_plan.LiveBefore[_index]);
        _w.CompareStateByte(Offsets.InterruptWaits, 0);
        EmitInterpretIf(5, i);
        _w.StoreStateByte(Offsets.InterruptFlag, 1);
        return true;
    }

    /// <summary>jcc to where the instruction is interpreted instead. Flags are free.</summary>
    private void EmitInterpretIf(int condition, in Instruction i) =>
        _stubs[_stubCount++] = new Stub
        {
            Kind = StubKind.Target,
            Place = _w.Jcc(condition),
            Target = i.IP,
            Code = (uint)ExitCode.Interpret | ((uint)_space.NoteInterpreted(i) << 8),
        };

    private void EmitReadTsc(in Instruction i)
    {
        FreeHostFlags(_plan.LiveBefore[_index]);
        if (i.Mnemonic == Mnemonic.Rdtscp)
        {
            _w.Bytes(0x0F, 0x01, 0xF9);
            _w.RegState(0x8B, Rcx, Offsets.TscAux, w: false);
        }
        else
        {
            _w.Bytes(0x0F, 0x31);
        }

        _w.Shift(4, Rdx, 32, w: true);
        _w.RegReg(0x0B, Rax, Rdx);
        _w.RegState(0x03, Rax, Offsets.TscOffset);
        _w.Move(Rdx, Rax);
        _w.Shift(5, Rdx, 32, w: true);
        _w.Move(Rax, Rax, w: false);
    }

    /// <summary>PUSHFQ: RFLAGS is put together in a thunk.</summary>
    private void EmitPushFlags()
    {
        FreeHostFlags(FlagFacts.All);
        _w.CallTo(_thunks.JoinFlags);
        _w.StoreState(Offsets.Temporary, R11);
        EmitStackAccess(-8, 8, write: true);
        _w.LoadState(R11, Offsets.Temporary);
        EmitStore(R11, 8);
        EmitCommit(wrote: true);
        EmitStackAdjust(-8);
    }

    /// <summary>r11 = RFLAGS as PUSHF stores it, from the state; clobbers host flags.</summary>
    internal static void EmitJoinFlags(CodeWriter w)
    {
        w.StoreState(Offsets.SavedRax, Rax);
        w.LoadState(R11, Offsets.Rflags);
        w.RegImm(4, R11, unchecked((int)~NotPushed));
        w.LoadState16(Rax, Offsets.Flags);
        w.Shift(5, Rax, 8, w: false);
        w.RegImm(4, Rax, 0xD5, w: false);
        w.RegReg(0x0B, R11, Rax);
        AddFlag(Offsets.Flags, 1, 11);
        AddFlag(Offsets.InterruptFlag, 1, 9);
        AddFlag(Offsets.DirectionFlag, 1, 10);
        w.LoadState(Rax, Offsets.SavedRax);

        void AddFlag(int field, int mask, byte bit)
        {
            w.LoadState16(Rax, field);
            w.RegImm(4, Rax, mask, w: false);
            w.Shift(4, Rax, bit, w: false);
            w.RegReg(0x0B, R11, Rax);
        }
    }
}
