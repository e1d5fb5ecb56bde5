using Bulkhead.Translator.State;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>Addresses and the check against the data TLB: the templates that make host addresses.</content>
internal sealed unsafe partial class BlockEmitter
{
    /// <summary>Leaves the host address of <paramref name="operand"/> in r10, or goes the slow way. Clobbers r10, r11, host flags.</summary>
    /// <param name="operand">Where.</param>
    /// <param name="size">How many bytes.</param>
    /// <param name="flags">How.</param>
    /// <param name="exact">Whether the host address must be right whatever the guest does.</param>
    /// <param name="sum">Whether it may be the sum of r10 and r11, for what follows at once: <see cref="AddressIndex"/>.</param>
    private void EmitAccess(in MemoryOperand operand, int size, MemoryFlags flags, bool exact = false, bool sum = false)
    {
        _sum = sum && !exact && !_shared && !_looksUp && !_plan.Transient;
        if (_shared)
        {
            _displacement = _displacements[_index] - _sharedFrom;
            return;
        }

        FreeHostFlags(_plan.LiveBefore[_index]);
        EmitAddress(R10, operand);
        EmitCheck(operand, size, flags, exact || (flags & MemoryFlags.WholePage) != 0);
    }

    /// <summary>
    /// The check. A tag is a page's address; address XOR tag is the offset in the page exactly when the page is the tag's, and
    /// larger than any offset otherwise, so one unsigned compare rejects other pages, non-canonical addresses and operands that
    /// cross into the next page. First tried is the page that this kind of operand used last (<see cref="SlotOf"/>); another page is
    /// looked for out of line. Where the host address must be right whatever the guest does, the data TLB alone is asked.
    /// </summary>
    private void EmitCheck(in MemoryOperand operand, int size, MemoryFlags flags, bool exact)
    {
        flags |= (operand.Stack ? MemoryFlags.Stack : 0) | (_plan.Transient ? MemoryFlags.Transient : 0);
        if (_looksUp)
        {
            _w.MoveConstant(R11, MemoryCode(size, flags));
            _w.CallTo(_thunks.LookUp[Thunks.SlotMissIndex(_mode.View, (flags & MemoryFlags.Write) != 0)]);
            return;
        }

        StubKind kind = EmitCompare(operand, size, (flags & MemoryFlags.Write) != 0, exact, out int place, out int slot);
        _stubs[_stubCount++] = new Stub
        {
            Kind = kind,
            Place = place,
            Back = _w.Length,
            Code = MemoryCode(size, flags),
            Slot = slot,
            Operand = operand,
        };
    }

    private uint MemoryCode(int size, MemoryFlags flags) => (uint)ExitCode.Memory | ((uint)size << 8) | ((uint)flags << 16) | ((uint)_note << 24);

    /// <summary>The check itself: where it branches to the slow path, of what kind that is, and the page slot in the state or -1.</summary>
    private StubKind EmitCompare(in MemoryOperand operand, int size, bool write, bool exact, out int place, out int slot)
    {
        slot = _options.PageSlots && !exact && !_plan.Transient ? SlotOf(operand) : -1;
        if (_plan.Transient)
        {
            place = _w.Jmp();
        }
        else if (slot >= 0)
        {
            slot = Offsets.PageSlots + (((_mode.View * VcpuState.PageSlotsPerView) + slot) * sizeof(VcpuState.PageSlot)) + (write ? 16 : 0);
            _w.RegState(0x33, R10, slot);
            _w.RegImm(7, R10, 4096 - size);
            place = _w.Jcc(7); // ja
            _w.RegState(_sum ? MoveOpcode : AddOpcode, _sum ? R11 : R10, slot + 8);
            return StubKind.MemorySlot;
        }
        else if (_plan.Windowed && !exact)
        {
            EmitWindowCompare(operand, size, write, out place);
            return StubKind.MemoryWindow;
        }
        else
        {
            EmitTlbIndex(_w);
            _w.RegStateIndexed(0x33, R10, R11, _viewTable + (write ? 8 : 0));
            _w.RegImm(7, R10, 4096 - size);
            place = _w.Jcc(7); // ja
            _w.RegStateIndexed(_sum ? MoveOpcode : AddOpcode, _sum ? R11 : R10, R11, _viewTable + 16);
        }

        return StubKind.Memory;
    }

    /// <summary>The check where operands are looked for in the window: the tag is found by the address's low half, and so is the page,
    /// which need not wait for the tag.</summary>
    private void EmitWindowCompare(in MemoryOperand operand, int size, bool write, out int place)
    {
        int tags = write ? Offsets.WindowWrites : Offsets.WindowReads;
        _w.Move(R11, R10, w: false);
        _w.Shift(5, R11, 12, w: false);
        _w.RegStateTable(0x33, R10, R11, tags);
        _w.RegImm(7, R10, 4096 - size);
        place = _w.Jcc(7); // ja
        if (IsPlain(operand))
        {
            // The address's low half once more, from where it came.
            int x = operand.Index < 0 ? -1 : HostOf(operand.Index);
            if (x < 0 && operand.Displacement == 0)
            {
                _w.Move(R11, HostOf(operand.Base), w: false);
            }
            else
            {
                _w.Lea(R11, operand.Base < 0 ? -1 : HostOf(operand.Base), (int)operand.Displacement, w: false, x, operand.Scale);
            }

            _w.LoadState(R10, Offsets.Window);
        }
        else
        {
            _w.RegStateTable(MoveOpcode, R11, R11, tags, w: false);
            _w.RegReg(AddOpcode, R10, R11);
            _w.LoadState(R11, Offsets.Window);
        }

        if (!_sum)
        {
            _w.RegReg(AddOpcode, R10, R11);
        }
    }

    /// <summary>Whether one instruction computes an address, from registers the host has.</summary>
    private static bool IsPlain(in MemoryOperand o) =>
        o.BitsLog == 0 && o.AddressBits == 64 && o.SegmentBase < 0 && (o.Base >= 0 || o.Index >= 0)
        && (o.Base < 0 || HostOf(o.Base) >= 0) && (o.Index < 0 || HostOf(o.Index) >= 0);

    private const byte AddOpcode = 0x03;
    private const byte MoveOpcode = 0x8B;

    private bool _sum;

    /// <summary>The index register of an access: with the offset in r10 and the page in r11 an address is known a step earlier.</summary>
    private int AddressIndex => _sum ? R11 : -1;

    /// <summary>r11 = offset in a view of the data TLB of the entry for the address in r10.</summary>
    internal static void EmitTlbIndex(CodeWriter w)
    {
        w.Bytes(0xC4, 0x43, 0x7B); // rorx r11d, r10d, 7
        w.Bytes(0xF0, 0xDA, 0x07);
        w.RegImm(4, R11, (VcpuState.TlbEntries - 1) << 5, w: false);
    }

    private const int StackSlots = 16;

    /// <summary>The page slot of an operand that is likely where its like was last: on the stack, or at a constant address or offset of
    /// a segment. -1 for others.</summary>
    private int SlotOf(in MemoryOperand o)
    {
        if (o.Index >= 0 || o.BitsLog != 0)
        {
            return -1;
        }

        if (o.Base == 4 && o.SegmentBase < 0)
        {
            return (int)(_plan.Rip >> 18) & (StackSlots - 1); // kernels enter and leave on other stacks than they run on
        }

        if (o.Base >= 0)
        {
            return -1;
        }

        ulong kind = (((ulong)o.Displacement >> 12 << 16) + (uint)(o.SegmentBase + 1)) * 0x9E37_79B9_7F4A_7C15;
        return StackSlots + (int)((kind >> 32) % (VcpuState.PageSlotsPerView - StackSlots));
    }

    /// <summary>In a transient block, after an instruction that may have written through the bounce buffer.</summary>
    private void EmitCommit(bool wrote)
    {
        if (_plan.Transient && wrote)
        {
            _w.MoveConstant(R11, (uint)ExitCode.Commit);
            _w.CallTo(_flags == FlagsPlace.Host ? _thunks.LeaveSavingFlags : _thunks.Leave);
        }
    }

    /// <summary>Computes an address, segment base included. Clobbers r11 and host flags.</summary>
    private void EmitAddress(int to, in MemoryOperand o)
    {
        EmitOffset(to, o);
        if (o.BitsLog != 0)
        {
            EmitBitNumber(o);
            _w.Shift(7, R11, (byte)o.BitsLog, w: true); // sar
            _w.Lea(to, to, 0, index: R11, scaleLog2: o.BitsLog - 3);
        }

        if (o.SegmentBase >= 0)
        {
            _w.RegState(0x03, to, o.SegmentBase, _mode.Code64);
        }
    }

    /// <summary>r11 = the number of a bit in a string, sign-extended.</summary>
    private void EmitBitNumber(in MemoryOperand o)
    {
        int host = Operand(o.Bit, R11);
        if (o.BitsLog == 6)
        {
            _w.Move(R11, host);
            return;
        }

        _w.Rex(true, R11, 0, host);
        if (o.BitsLog == 5)
        {
            _w.Byte(0x63); // movsxd
        }
        else
        {
            _w.Bytes(0x0F, 0xBF); // movsx from 16 bits
        }

        _w.ModRmRegister(R11, host);
    }

    /// <summary>Computes an address without its segment base; flags are untouched. Clobbers r11 when the index is spilled.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="o">Whose.</param>
    /// <param name="known">Whether what the scratch registers hold may be used. Not where a slow path computes the address again.</param>
    private void EmitOffset(int to, in MemoryOperand o, bool known = false)
    {
        bool wide = o.AddressBits == 64;
        if (o.Relative && _plan.Relative)
        {
            EmitFromBase(to, o.Displacement, wide);
            return;
        }

        if (o.Base < 0 && o.Index < 0)
        {
            _w.MoveConstant(to, (ulong)o.Displacement);
            return;
        }

        int b = Operand(o.Base, R10, known);
        int x = Operand(o.Index, R11, known);
        if (o.Displacement != (int)o.Displacement)
        {
            // Only a 64-bit absolute address is that wide, and it has no registers.
            throw new System.Diagnostics.UnreachableException();
        }

        int d = (int)o.Displacement;
        if (x < 0 && d == 0)
        {
            _w.Move(to, b, wide);
        }
        else
        {
            _w.Lea(to, b, d, wide, x, o.Scale);
        }

        if (o.AddressBits == 16)
        {
            _w.Rex(false, to, 0, to); // movzx to, to16
            _w.Bytes(0x0F, 0xB7);
            _w.ModRmRegister(to, to);
        }
    }

    /// <summary>In a position-independent block: an address that counts from where the page stands. Flags are untouched; clobbers r11
    /// where the distance is beyond 2 GiB.</summary>
    private void EmitFromBase(int to, long distance, bool wide = true)
    {
        _w.LoadState(to, Offsets.CodeBase);
        if (distance == (int)distance || !wide)
        {
            _w.Lea(to, to, (int)distance, wide);
            return;
        }

        _w.MoveConstant(R11, (ulong)distance);
        _w.Lea(to, to, 0, index: R11);
    }

    /// <summary>A guest RIP known at translation.</summary>
    private void EmitRip(int to, ulong rip)
    {
        if (_plan.Relative)
        {
            EmitFromBase(to, (long)rip);
        }
        else
        {
            _w.MoveConstant(to, rip);
        }
    }

    /// <summary>An exit's reason, marked where the RIP it goes with is a position-independent block's.</summary>
    private uint WithRip(uint code) => _plan.Relative ? code | ExitWord.RelativeRip : code;

    /// <summary>The host register of a guest register; a spilled one is loaded into <paramref name="scratch"/>.</summary>
    private int Operand(int guest, int scratch, bool known = false)
    {
        if (guest < 0)
        {
            return -1;
        }

        int host = HostOf(guest);
        host = host < 0 && known ? _scratch.Holder(guest) : host;
        if (host < 0)
        {
            _w.LoadState(scratch, Offsets.GprOf(guest));
            return scratch;
        }

        return host;
    }
}
