using Bulkhead.Translator.State;
using Bulkhead.X86.Instructions;
using Iced.Intel;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>Class Carried: the guest's instruction, encoded again with host registers.</content>
internal sealed unsafe partial class BlockEmitter
{
    // The operands of the instruction at hand, as host numbers.
    private int _reg;
    private int _rm;
    private int _vvvv;
    private int _opcodeReg;
    private int _immediateReg;
    private bool _highByte;
    private bool _lowByteNeedsRex;

    // Spilled guest registers of the instruction at hand.
    private readonly Spill[] _spills = new Spill[4];
    private int _spillCount;
    private ScratchRegisters _scratch;

    private void EmitCarried(in Instruction i, in InstructionEntry e)
    {
        bool memory = e.HasModRm && HasMemory(i) && e.MemoryBytes > 0;
        AssignOperands(i, e, memory);
        bool touches = FlagFacts.Touches(i);
        bool needsFlags = touches && (FlagFacts.Read(i) != 0 || (_plan.LiveBefore[_index + 1] & ~FlagFacts.Written(i)) != 0);
        if (memory)
        {
            EmitAccess(MemoryOperand.Of(i, _mode), e.MemoryBytes, FlagsOf(i, e), exact: _highByte || Borrows, sum: _spillCount == 0 && !needsFlags);
        }
        else if (HasMemory(i))
        {
            return; // A hint (NOP with an operand).
        }

        if (needsFlags)
        {
            NeedHostFlags();
        }

        bool known = _scratch.IsAt(_w.Length);
        LoadSpills(known);
        int address = R10;
        if (memory && _highByte)
        {
            // AH..BH and a REX prefix exclude each other: the address moves to a register that needs none.
            _w.StoreState(Offsets.Borrowed, Rsi);
            _w.Move(Rsi, R10);
            address = Rsi;
        }

        bool toStackPointer = _highByte && _reg == GuestRsp;
        if (toStackPointer)
        {
            // MOVSX or MOVZX of AH..BH to the guest's (E)SP: as above.
            _w.StoreState(Offsets.Borrowed, Rsi);
            _w.Move(Rsi, GuestRsp);
            _reg = Rsi;
        }

        MarkEffect();
        Encode(i, e, memory, address);
        if (toStackPointer)
        {
            _w.Move(GuestRsp, Rsi);
        }

        if (toStackPointer || address == Rsi)
        {
            _w.LoadState(Rsi, Offsets.Borrowed);
        }

        StoreSpills();
        NoteScratch(known);
        if (touches)
        {
            _flags = FlagsPlace.Host;
        }

        EmitCommit(memory && e.MemoryWritten);
    }

    /// <summary>Whether a guest register gives its place away over the instruction.</summary>
    private bool Borrows => _spillCount > 0 && _spills[_spillCount - 1].Borrowed;

    private static MemoryFlags FlagsOf(in Instruction i, in InstructionEntry e) =>
        (e.MemoryWritten ? MemoryFlags.Write : 0)
        | (e.MemoryRead ? MemoryFlags.ReadsToo : 0)
        | (e.Alignment == 16 ? MemoryFlags.Aligned16 : e.Alignment == 32 ? MemoryFlags.Aligned32 : 0)
        | (WaitsForX87(i, e) ? MemoryFlags.WaitsForX87 : 0);

    /// <summary>Whether a waiting x87 exception comes before a page fault of the operand.</summary>
    /// <remarks>CVTPI2PS and CVTPI2PD use no MMX register where they read memory, and read it first.</remarks>
    private static bool WaitsForX87(in Instruction i, in InstructionEntry e) =>
        e.UsesX87 && i.Mnemonic is not (Mnemonic.Fnstcw or Mnemonic.Fnstsw or Mnemonic.Cvtpi2ps or Mnemonic.Cvtpi2pd);

    private void EmitLea(in Instruction i)
    {
        MemoryOperand o = MemoryOperand.Of(i, _mode);
        int guest = i.Op0Register.GetNumber();
        int host = HostOf(guest);
        int size = i.Op0Register.GetSize();
        if (size == 2)
        {
            EmitOffset(R10, o);
            EmitLea16(guest, host);
            return;
        }

        bool known = _scratch.IsAt(_w.Length) && !o.Relative && IsAtHand(o.Base) && IsAtHand(o.Index);
        EmitOffset(host >= 0 ? host : R10, size == 4 ? o.Low32 : o, known);
        if (host < 0)
        {
            _w.StoreState(Offsets.GprOf(guest), R10);
        }

        _scratch.Move(_w.Length, known);
        if (host < 0)
        {
            _scratch.Note(R10, guest);
        }
    }

    private void EmitLea16(int guest, int host)
    {
        if (host >= 0)
        {
            EmitInsert16(host, R10);
            return;
        }

        _w.LoadState(R11, Offsets.GprOf(guest));
        EmitInsert16(R11, R10);
        _w.StoreState(Offsets.GprOf(guest), R11);
    }

    /// <summary>Whether a guest register need not be loaded.</summary>
    private bool IsAtHand(int guest) => guest < 0 || HostOf(guest) >= 0 || _scratch.HostOf(_w.Length, guest) >= 0;

    private void AssignOperands(in Instruction i, in InstructionEntry e, bool memory)
    {
        _reg = 0;
        _rm = 0;
        _vvvv = 0;
        _opcodeReg = 0;
        _immediateReg = 0;
        _highByte = false;
        _lowByteNeedsRex = false;
        _spillCount = 0;
        int count = i.OpCount;
        for (int k = 0; k < count && k < 4; k++)
        {
            if (i.GetOpKind(k) != OpKind.Register)
            {
                continue;
            }

            OperandRole role = k switch { 0 => e.Op0, 1 => e.Op1, 2 => e.Op2, _ => e.Op3 };
            if (role is OperandRole.Implied or OperandRole.None or OperandRole.Other)
            {
                NoteImplied(i.GetOpRegister(k));
                continue;
            }

            int host = HostNumber(i, i.GetOpRegister(k), (e.AccessFlags & (1 << k)) != 0, (e.AccessFlags & (16 << k)) != 0, memory);
            switch (role)
            {
                case OperandRole.Reg: _reg = host; break;
                case OperandRole.Rm: _rm = host; break;
                case OperandRole.Vvvv: _vvvv = host; break;
                case OperandRole.OpcodeReg: _opcodeReg = host; break;
                case OperandRole.Imm8Reg: _immediateReg = host; break;
                default: break;
            }
        }
    }

    private void NoteImplied(Register r)
    {
        if (r is Register.AH or Register.CH or Register.DH or Register.BH)
        {
            _highByte = true;
        }
    }

    private int HostNumber(in Instruction i, Register r, bool read, bool written, bool memory)
    {
        if (!r.IsGPR())
        {
            return NumberOf(r);
        }

        if (r is >= Register.AH and <= Register.BH)
        {
            _highByte = true;
            return r - Register.AH + 4;
        }

        int size = r.GetSize();
        int guest = r.GetNumber();
        if (size == 1 && guest >= 8)
        {
            guest -= 4; // Iced numbers byte registers AL..BL, AH..BH, SPL..R15B.
        }

        int host = HostOf(guest);
        if (host < 0)
        {
            return AddSpill(i, guest, read || size < 4, written, memory);
        }

        if (size == 1 && host is >= 4 and <= 7)
        {
            _lowByteNeedsRex = true;
        }

        return host;
    }

    private static int NumberOf(Register r) => r switch
    {
        >= Register.ST0 and <= Register.ST7 => r - Register.ST0,
        >= Register.MM0 and <= Register.MM7 => r - Register.MM0,
        _ => r.GetNumber(),
    };

    private int AddSpill(in Instruction i, int guest, bool read, bool written, bool memory)
    {
        for (int s = 0; s < _spillCount; s++)
        {
            if (_spills[s].Guest == guest)
            {
                _spills[s].Read |= read;
                _spills[s].Written |= written;
                return _spills[s].Host;
            }
        }

        int host = ChooseScratch(guest, memory);
        host = host >= 0 ? host : Borrow(i);
        _spills[_spillCount++] = new Spill { Guest = guest, Host = host, Read = read, Written = written, Borrowed = host is not (R10 or R11) };
        return host;
    }

    /// <summary>The scratch register for a guest register, best the one that holds it; -1: none is left.</summary>
    private int ChooseScratch(int guest, bool memory)
    {
        if (memory || _shared || _spillCount > 1)
        {
            return _spillCount == 0 ? R11 : -1; // the address is in r10
        }

        int held = _scratch.HostOf(_w.Length, guest);
        return _spillCount == 0 ? (held >= 0 ? held : _scratch.Victim(_w.Length)) : _spills[0].Host == R10 ? R11 : R10;
    }

    /// <summary>A host register that holds a guest register the instruction does not name, and that no instruction uses implicitly.</summary>
    private static int Borrow(in Instruction i)
    {
        for (int host = 15; host >= 12; host--)
        {
            bool used = false;
            for (int k = 0; k < i.OpCount; k++)
            {
                if (i.GetOpKind(k) == OpKind.Register && i.GetOpRegister(k).IsGPR() && i.GetOpRegister(k).GetNumber() == host)
                {
                    used = true;
                }
            }

            if (!used)
            {
                return host;
            }
        }

        throw new System.Diagnostics.UnreachableException();
    }

    private void LoadSpills(bool known)
    {
        for (int s = 0; s < _spillCount; s++)
        {
            ref readonly Spill spill = ref _spills[s];
            int held = known ? _scratch.Holder(spill.Guest) : -1;
            if (spill.Borrowed)
            {
                _w.StoreState(Offsets.Borrowed, spill.Host);
            }

            if (spill.Read && held != spill.Host)
            {
                _w.LoadState(spill.Host, Offsets.GprOf(spill.Guest));
            }
        }
    }

    private void StoreSpills()
    {
        for (int s = 0; s < _spillCount; s++)
        {
            ref readonly Spill spill = ref _spills[s];
            if (spill.Written)
            {
                _w.StoreState(Offsets.GprOf(spill.Guest), spill.Host);
            }

            if (spill.Borrowed)
            {
                _w.LoadState(spill.Host, Offsets.Borrowed);
            }
        }
    }

    /// <summary>Notes what the scratch registers hold behind the instruction at hand.</summary>
    private void NoteScratch(bool known)
    {
        _scratch.Move(_w.Length, known);
        for (int s = 0; s < _spillCount; s++)
        {
            ref readonly Spill spill = ref _spills[s];
            if (!spill.Borrowed && (spill.Read || spill.Written))
            {
                _scratch.Note(spill.Host, spill.Guest);
            }
        }
    }

    /// <summary>Writes the instruction itself.</summary>
    private void Encode(in Instruction i, in InstructionEntry e, bool memory, int address)
    {
        int reg = e.Group >= 0 ? e.Group : _reg;
        int rm = memory ? address : _rm;
        if (e.Vex)
        {
            EncodeVex(e, reg, rm, memory && AddressIndex >= 0);
        }
        else
        {
            EncodeLegacyPrefixes(i, e, reg, rm, memory && AddressIndex >= 0);
        }

        if (e.HasModRm)
        {
            if (e.FixedModRm != 0)
            {
                _w.Byte((byte)(e.FixedModRm + (e.Op0 == OperandRole.OpcodeReg || e.Op1 == OperandRole.OpcodeReg ? _opcodeReg & 7 : 0)));
            }
            else if (memory)
            {
                _w.ModRmMemory(reg, address, AddressIndex, 0, _displacement);
            }
            else
            {
                _w.ModRmRegister(reg, rm);
            }
        }

        EncodeImmediates(i, e);
    }

    private void EncodeLegacyPrefixes(in Instruction i, in InstructionEntry e, int reg, int rm, bool highIndex)
    {
        if (i.HasLockPrefix)
        {
            _w.Byte(0xF0);
        }

        if (e.Operand16)
        {
            _w.Byte(0x66);
        }

        if (e.Prefix != 0)
        {
            _w.Byte(e.Prefix);
        }

        int b = e.HasModRm && e.FixedModRm == 0 ? rm : e.FixedModRm != 0 ? 0 : _opcodeReg;
        int rex = (e.W ? 8 : 0) | (e.HasModRm && e.FixedModRm == 0 ? (reg >> 3) << 2 : 0) | (highIndex ? 2 : 0) | (b >> 3);
        if (rex != 0 || _lowByteNeedsRex)
        {
            _w.Byte((byte)(0x40 | rex));
        }

        switch (e.Map)
        {
            case 1: _w.Byte(0x0F); break;
            case 2: _w.Bytes(0x0F, 0x38); break;
            case 3: _w.Bytes(0x0F, 0x3A); break;
            default: break;
        }

        bool inOpcode = !e.HasModRm && (e.Op0 == OperandRole.OpcodeReg || e.Op1 == OperandRole.OpcodeReg);
        _w.Byte((byte)(e.Opcode | (inOpcode ? _opcodeReg & 7 : 0)));
    }

    private void EncodeVex(in InstructionEntry e, int reg, int rm, bool highIndex)
    {
        int pp = e.Prefix switch { 0x66 => 1, 0xF3 => 2, 0xF2 => 3, _ => 0 };
        int last = ((~_vvvv & 15) << 3) | (e.L ? 4 : 0) | pp;
        int notR = reg >= 8 ? 0 : 0x80;
        if (e.Map == 1 && !e.W && rm < 8)
        {
            _w.Bytes(0xC5, (byte)(notR | last));
        }
        else
        {
            _w.Bytes(0xC4, (byte)(notR | (highIndex ? 0 : 0x40) | (rm >= 8 ? 0 : 0x20) | e.Map), (byte)((e.W ? 0x80 : 0) | last));
        }

        _w.Byte(e.Opcode);
    }

    private void EncodeImmediates(in Instruction i, in InstructionEntry e)
    {
        int count = i.OpCount;
        for (int k = 0; k < count && k < 4; k++)
        {
            switch (k switch { 0 => e.Op0, 1 => e.Op1, 2 => e.Op2, _ => e.Op3 })
            {
                case OperandRole.Imm8:
                    _w.Byte((byte)i.GetImmediate(k));
                    break;
                case OperandRole.Imm16:
                    _w.Int16((short)i.GetImmediate(k));
                    break;
                case OperandRole.Imm32:
                    _w.Int32((int)i.GetImmediate(k));
                    break;
                case OperandRole.Imm64:
                    _w.UInt64(i.GetImmediate(k));
                    break;
                case OperandRole.Imm8Reg:
                    _w.Byte((byte)(_immediateReg << 4));
                    break;
                default:
                    break;
            }
        }
    }

    private struct Spill
    {
        internal int Guest;
        internal int Host;
        internal bool Read;
        internal bool Written;
        internal bool Borrowed;
    }
}
