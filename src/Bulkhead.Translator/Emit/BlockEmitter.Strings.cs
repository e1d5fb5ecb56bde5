using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;
using Iced.Intel;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>STOS and MOVS, alone and with REP: the host's own, page by page.</content>
/// <remarks>With DF set and in a transient block they are interpreted; with 32-bit addresses those that repeat, with 16-bit addresses all.</remarks>
internal sealed unsafe partial class BlockEmitter
{
    private static bool HasStringTemplate(in Instruction i, ModeWord mode, EngineOptions options)
    {
        bool narrow = mode.CodeBits == 32 && i.Op0Kind == OpKind.MemoryESEDI && !i.HasRepPrefix && !i.HasRepnePrefix;
        if (options.CountInstructions || !(narrow || (mode.Code64 && i.Op0Kind == OpKind.MemoryESRDI)))
        {
            return false;
        }

        return i.Mnemonic switch
        {
            Mnemonic.Stosb or Mnemonic.Stosw or Mnemonic.Stosd or Mnemonic.Stosq => true,
            Mnemonic.Movsb or Mnemonic.Movsw or Mnemonic.Movsd or Mnemonic.Movsq =>
                narrow || (i.Op1Kind == OpKind.MemorySegRSI && i.MemorySegment is not (Register.FS or Register.GS)),
            _ => false,
        };
    }

    private bool EmitString(in Instruction i)
    {
        if (_plan.Transient)
        {
            return EmitInterpret(i);
        }

        bool wide = i.Op0Kind == OpKind.MemoryESRDI;
        bool moves = i.Op1Kind is OpKind.MemorySegRSI or OpKind.MemorySegESI;
        int log = i.Mnemonic switch
        {
            Mnemonic.Stosb or Mnemonic.Movsb => 0,
            Mnemonic.Stosw or Mnemonic.Movsw => 1,
            Mnemonic.Stosd or Mnemonic.Movsd => 2,
            _ => 3,
        };
        bool repeats = i.HasRepPrefix || i.HasRepnePrefix;
        FreeHostFlags(_plan.LiveBefore[_index]);
        _w.CompareStateByte(Offsets.DirectionFlag, 0);
        EmitInterpretIf(5, i);
        int start = _w.Length;
        int done = -1;
        if (repeats)
        {
            _w.RegReg(0x85, Rcx, Rcx); // test rcx, rcx
            done = _w.Jcc(4);
        }

        MemoryFlags flags = repeats ? MemoryFlags.WholePage : MemoryFlags.None;
        if (moves)
        {
            EmitAccess(At(Rsi, wide, i.MemorySegment), 1 << log, flags);
            if (repeats)
            {
                EmitKeepSource();
            }
            else
            {
                EmitLoadElement(log);
                _w.StoreState(Offsets.Temporary, R11);
            }
        }

        EmitAccess(At(Rdi, wide, Register.ES), 1 << log, flags | MemoryFlags.Write);
        if (repeats)
        {
            EmitChunk(moves, log);
            _w.RegState(0x3B, HostRsp, Offsets.Limit);
            _stubs[_stubCount++] = new Stub { Kind = StubKind.Target, Place = _w.Jcc(2), Target = i.IP, Code = (uint)ExitCode.Again };
            _w.BindTo(_w.Jmp(), start);
            _w.Bind(done);
            return true;
        }

        if (moves)
        {
            _w.LoadState(R11, Offsets.Temporary);
            _w.Lea(Rsi, Rsi, 1 << log, w: wide);
        }

        EmitStoreElement(moves ? R11 : Rax, log);
        _w.Lea(Rdi, Rdi, 1 << log, w: wide);
        return true;
    }

    private MemoryOperand At(int register, bool wide, Register segment) =>
        new() { Base = register, Index = -1, AddressBits = wide ? 64 : 32, SegmentBase = MemoryOperand.SegmentBaseOf(segment, _mode), Stack = segment == Register.SS };

    private void EmitLoadElement(int log)
    {
        if (log == 0)
        {
            _w.Bytes(0x45, 0x0F, 0xB6); // movzx r11d, byte [r10]
            _w.Byte(0x1A);
        }
        else
        {
            EmitLoad(R11, R10, 1 << log);
        }
    }

    private void EmitStoreElement(int register, int log)
    {
        if (log == 0)
        {
            _w.RegMem(0x88, register, R10, 0, w: false);
        }
        else
        {
            EmitStore(register, 1 << log);
        }
    }

    /// <summary>Keeps the source's host address, and how many bytes its page has from there.</summary>
    private void EmitKeepSource()
    {
        _w.StoreState(Offsets.StringSource, R10);
        EmitBytesLeft(Rsi);
        _w.StoreState(Offsets.Temporary, R11);
    }

    /// <summary>r11 = bytes from a guest address to the end of its page.</summary>
    private void EmitBytesLeft(int register)
    {
        _w.Move(R11, register);
        _w.RegImm(1, R11, -4096); // or
        _w.Rex(true, 0, 0, R11);
        _w.Bytes(0xF7, 0xDB); // neg
    }

    /// <summary>As many elements as RCX and the pages allow, at least one; destination in r10.</summary>
    private void EmitChunk(bool moves, int log)
    {
        EmitBytesLeft(Rdi);
        if (moves)
        {
            _w.RegState(0x3B, R11, Offsets.Temporary);
            Cmov(R11, Offsets.Temporary);
        }

        if (log != 0)
        {
            _w.Shift(5, R11, (byte)log, w: true);
        }

        _w.RegReg(0x3B, R11, Rcx);
        _w.Rex(true, R11, 0, Rcx);
        _w.Bytes(0x0F, 0x47); // cmova r11, rcx
        _w.ModRmRegister(R11, Rcx);
        _w.RegReg(0x2B, Rcx, R11);
        _w.StoreState(Offsets.StringCount, Rcx);
        _w.Move(Rcx, R11);
        _w.Lea(R11, Rdi, 0, index: Rcx, scaleLog2: log);
        _w.StoreState(Offsets.StringTargetEnd, R11);
        if (moves)
        {
            _w.Lea(R11, Rsi, 0, index: Rcx, scaleLog2: log);
            _w.StoreState(Offsets.StringSourceEnd, R11);
            _w.LoadState(Rsi, Offsets.StringSource);
        }

        _w.Move(Rdi, R10);
        _w.Byte(0xF3);
        if (log == 1)
        {
            _w.Byte(0x66);
        }

        _w.Rex(log == 3, 0, 0, 0);
        _w.Byte((byte)((moves ? 0xA4 : 0xAA) | (log != 0 ? 1 : 0)));
        _w.LoadState(Rdi, Offsets.StringTargetEnd);
        if (moves)
        {
            _w.LoadState(Rsi, Offsets.StringSourceEnd);
        }

        _w.LoadState(Rcx, Offsets.StringCount);

        void Cmov(int register, int field)
        {
            _w.Byte(0x65);
            _w.Rex(true, register, 0, 0);
            _w.Bytes(0x0F, 0x47);
            _w.Bytes((byte)(((register & 7) << 3) | 4), 0x25);
            _w.Int32(field);
        }
    }
}
