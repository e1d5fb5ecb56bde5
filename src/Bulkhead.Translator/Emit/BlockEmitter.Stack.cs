using Bulkhead.Translator.State;
using Iced.Intel;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>The stack, and moves between registers and checked host addresses.</content>
internal sealed unsafe partial class BlockEmitter
{
    private bool EmitPush(in Instruction i)
    {
        int size = -i.StackPointerIncrement;
        switch (i.Op0Kind)
        {
            case OpKind.Register:
                EmitStackAccess(-size, size, write: true);
                int host = Operand(i.Op0Register.GetNumber(), R11);
                MarkEffect();
                EmitStore(host, size);
                break;
            case OpKind.Memory:
                EmitAccess(MemoryOperand.Of(i, _mode), size, MemoryFlags.None);
                EmitLoad(R10, R10, size);
                _w.StoreState(Offsets.Temporary, R10);
                EmitStackAccess(-size, size, write: true);
                _w.LoadState(R11, Offsets.Temporary);
                EmitStore(R11, size);
                break;
            default:
                EmitStackAccess(-size, size, write: true);
                EmitStoreConstant(i.GetImmediate(0), size);
                break;
        }

        EmitCommit(wrote: true);
        EmitStackAdjust(-size);
        return true;
    }

    private bool EmitPop(in Instruction i)
    {
        int size = i.StackPointerIncrement;
        if (i.Op0Kind == OpKind.Memory)
        {
            // The address of the destination is computed after RSP moved.
            EmitStackAccess(0, size, write: false);
            EmitLoad(R10, R10, size);
            _w.StoreState(Offsets.Temporary, R10);
            MemoryOperand o = MemoryOperand.Of(i, _mode);
            if (o.Base == 4)
            {
                o = o with { Displacement = o.Displacement + size };
            }

            EmitAccess(o, size, MemoryFlags.Write);
            _w.LoadState(R11, Offsets.Temporary);
            EmitStore(R11, size);
            EmitCommit(wrote: true);
            EmitStackAdjust(size);
            return true;
        }

        EmitStackAccess(0, size, write: false);
        int guest = i.Op0Register.GetNumber();
        int host = HostOf(guest);
        if (guest == 4)
        {
            // POP RSP: the increment is overwritten; a 16-bit one keeps the upper part.
            if (size == 2)
            {
                EmitLoad(R11, R10, size);
                EmitStackAdjust(size);
                EmitInsert16(GuestRsp, R11);
            }
            else
            {
                EmitLoad(GuestRsp, R10, size);
            }

            return true;
        }

        if (size == 2)
        {
            EmitLoad(R11, R10, size);
            if (host >= 0)
            {
                EmitInsert16(host, R11);
            }
            else
            {
                _w.LoadState(R10, Offsets.GprOf(guest));
                EmitInsert16(R10, R11);
                _w.StoreState(Offsets.GprOf(guest), R10);
            }
        }
        else
        {
            EmitLoad(host >= 0 ? host : R11, R10, size);
            if (host < 0)
            {
                _w.StoreState(Offsets.GprOf(guest), R11);
            }
        }

        EmitStackAdjust(size);
        return true;
    }

    private bool EmitLeave(in Instruction i)
    {
        int size = i.Code switch { Code.Leaveq => 8, Code.Leaved => 4, _ => 2 };
        int bits = _mode.StackBits;
        FreeHostFlags(_plan.LiveBefore[_index]);
        MemoryOperand o = new()
        {
            Base = 5,
            Index = -1,
            AddressBits = bits,
            SegmentBase = MemoryOperand.SegmentBaseOf(Register.SS, _mode),
            Stack = true,
        };
        EmitAccess(o, size, MemoryFlags.None);
        EmitLoad(R10, R10, size);
        if (bits == 16)
        {
            _w.Lea(R11, 5, size, w: false);
            EmitInsert16(GuestRsp, R11);
        }
        else
        {
            _w.Lea(GuestRsp, 5, size, bits == 64);
        }

        if (size == 2)
        {
            EmitInsert16(5, R10);
        }
        else
        {
            _w.Move(5, R10);
        }

        return true;
    }

    /// <summary>Checks the stack operand at RSP + displacement; host address in r10.</summary>
    private void EmitStackAccess(int displacement, int size, bool write)
    {
        MemoryOperand o = new()
        {
            Base = 4,
            Index = -1,
            Displacement = displacement,
            AddressBits = _mode.StackBits,
            SegmentBase = MemoryOperand.SegmentBaseOf(Register.SS, _mode),
            Stack = true,
        };
        EmitAccess(o, size, write ? MemoryFlags.Write : MemoryFlags.None);
    }

    /// <summary>RSP += count in the stack's width; flags untouched.</summary>
    private void EmitStackAdjust(int count)
    {
        if (_mode.StackBits == 16)
        {
            _w.Lea(R11, GuestRsp, count, w: false);
            EmitInsert16(GuestRsp, R11);
        }
        else
        {
            _w.Lea(GuestRsp, GuestRsp, count, _mode.StackBits == 64);
        }
    }

    /// <summary>mov [r10 + displacement], host.</summary>
    private void EmitStore(int host, int size)
    {
        if (size == 2)
        {
            _w.Byte(0x66);
        }

        _w.RegMem(0x89, host, R10, _displacement, size == 8);
    }

    private void EmitStoreConstant(ulong value, int size)
    {
        if (size == 8 && (long)value != (int)value)
        {
            _w.MoveConstant(R11, value);
            EmitStore(R11, 8);
            return;
        }

        if (size == 2)
        {
            _w.Byte(0x66);
        }

        _w.Rex(size == 8, 0, 0, R10);
        _w.Byte(0xC7);
        _w.ModRmMemory(0, R10, -1, 0, _displacement);
        if (size == 2)
        {
            _w.Int16((short)value);
        }
        else
        {
            _w.Int32((int)value);
        }
    }

    /// <summary>to = zero-extended [from].</summary>
    private void EmitLoad(int to, int from, int size)
    {
        if (size == 2)
        {
            _w.Rex(false, to, 0, from);
            _w.Bytes(0x0F, 0xB7);
            _w.ModRmMemory(to, from, -1, 0, _displacement);
        }
        else
        {
            _w.RegMem(0x8B, to, from, _displacement, size == 8);
        }
    }

    private void EmitZeroExtend(int to, int from, int size)
    {
        if (size == 2)
        {
            _w.Rex(false, to, 0, from);
            _w.Bytes(0x0F, 0xB7);
            _w.ModRmRegister(to, from);
        }
        else
        {
            _w.Move(to, from, w: false);
        }
    }

    /// <summary>mov to16, from16.</summary>
    private void EmitInsert16(int to, int from)
    {
        _w.Byte(0x66);
        _w.RegReg(0x8B, to, from, w: false);
    }
}
