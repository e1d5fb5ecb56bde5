using System.Buffers.Binary;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.Segmentation;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 2, IRET, RET; Vol. 3A, 6.14.3 IRET in IA-32e Mode.</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult InterruptReturn(in Instruction instruction)
    {
        int size = instruction.Code switch
        {
            Code.Iretw => 2,
            Code.Iretd => 4,
            _ => 8,
        };
        _exits.Add(ExitReason.Helper);
        if (ProtectedMode && (_r->Rflags & Rflags.NT) != 0)
        {
            return _r->LongMode ? FailGp() : ReturnToTask();
        }

        bool five = _r->Code64; // 64-bit code always pops SS:RSP
        Span<byte> frame = stackalloc byte[48];
        if (!TryReadFrame(frame[..((five ? 5 : 3) * size)], size))
        {
            return InterpretResult.Fault;
        }

        ulong rip = FrameWord(frame, 0, size), selector = FrameWord(frame, 1, size), flags = FrameWord(frame, 2, size);

        int oldCpl = _r->Cpl;
        if (!ProtectedMode)
        {
            ref Segment cs = ref SegmentOf(SegmentIndex.Cs);
            if (!CheckTarget(rip, in cs, false))
            {
                return InterpretResult.Fault;
            }

            LoadReal(ref cs, (ushort)selector);
            MoveStack(3 * size);
            _r->Rip = rip;
        }
        else if (!_r->LongMode && size == 4 && (flags & Rflags.VM) != 0 && oldCpl == 0)
        {
            return Refuse("return to virtual-8086 mode");
        }
        else if (five || ((int)selector & 3) > oldCpl)
        {
            if ((!five && !TryReadFrame(frame[..(5 * size)], size))
                || !TryReturnTo((ushort)selector, rip, (ushort)FrameWord(frame, 4, size), FrameWord(frame, 3, size)))
            {
                return InterpretResult.Fault;
            }
        }
        else
        {
            int width = StackSize;
            if (!TryReturnTo((ushort)selector, rip, null, 0))
            {
                return InterpretResult.Fault;
            }

            WriteGpr(Rsp, _r->Gpr[Rsp] + (ulong)(3 * size), width);
        }

        ulong merged = MergeFlags(flags, size, oldCpl);

        // RF matters only to instruction breakpoints; without any it is dropped, as the next instruction would.
        if (size > 2 && Breakpoints.Enabled(in *_r))
        {
            merged |= flags & Rflags.RF;
        }

        _r->Rflags = merged;
        _r->NmiBlocked = 0;
        return InterpretResult.Done;
    }

    /// <summary>Reads a frame off the stack; word by word where SP begins again at the bottom of its segment on the way.</summary>
    private bool TryReadFrame(Span<byte> frame, int size)
    {
        if (StackSize != 2 || (ushort)StackPointer + frame.Length <= 0x10000)
        {
            return TryReadAt(StackPointer, frame);
        }

        for (int at = 0; at < frame.Length; at += size)
        {
            if (!TryReadAt((ushort)(StackPointer + (uint)at), frame.Slice(at, size)))
            {
                return false;
            }
        }

        return true;

        bool TryReadAt(ulong offset, Span<byte> bytes) =>
            TryLinear(Register.SS, offset, bytes.Length, false, out ulong linear) && TryReadBytes(linear, bytes, DataAccess(false));
    }

    private static ulong FrameWord(ReadOnlySpan<byte> frame, int index, int size) => size switch
    {
        2 => BinaryPrimitives.ReadUInt16LittleEndian(frame[(index * 2)..]),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(frame[(index * 4)..]),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(frame[(index * 8)..]),
    };

    /// <summary>Loads CS:RIP, and SS:RSP where given, for RET and IRET; all checks come before any change.</summary>
    /// <param name="selector">The new CS; its RPL becomes CPL.</param>
    /// <param name="rip">The new RIP.</param>
    /// <param name="ssSelector">The new SS; null: SS and RSP stay (return to the same level).</param>
    /// <param name="rsp">The new RSP.</param>
    private bool TryReturnTo(ushort selector, ulong rip, ushort? ssSelector, ulong rsp)
    {
        int cpl = _r->Cpl, rpl = selector & 3;
        if (IsNull(selector))
        {
            Fault = GuestFault.Gp();
            return false;
        }

        if (!TryReadDescriptor(selector, GuestFault.GeneralProtection, 0, out Descriptor d, out ulong address))
        {
            return false;
        }

        bool allowed = rpl >= cpl && (d.IsConforming ? d.Dpl <= rpl : d.Dpl == rpl);
        if (!TryCodeTarget(selector, d, address, rpl, allowed, out Segment cs))
        {
            return false;
        }

        bool code64 = _r->LongMode && cs.Long;
        if (!CheckTarget(rip, in cs, code64))
        {
            return false;
        }

        Segment ss = SegmentOf(SegmentIndex.Ss);
        if (ssSelector is ushort stack && !TryReturnStack(stack, rpl, code64, out ss))
        {
            return false;
        }

        SegmentOf(SegmentIndex.Cs) = cs;
        _r->Rip = rip;
        if (ssSelector is not null)
        {
            SegmentOf(SegmentIndex.Ss) = ss;
            WriteGpr(Rsp, rsp, code64 ? 8 : ss.Big ? 4 : 2);
        }

        if (rpl > cpl)
        {
            DropInnerSegments(rpl);
        }

        return true;
    }

    private bool TryReturnStack(ushort selector, int cpl, bool code64, out Segment ss)
    {
        ss = default;
        if (IsNull(selector))
        {
            if (code64 && cpl != 3 && (selector & 3) == cpl)
            {
                ss = NullStack(selector, cpl);
                return true;
            }

            Fault = GuestFault.Gp();
            return false;
        }

        if (!TryReadDescriptor(selector, GuestFault.GeneralProtection, 0, out Descriptor d, out ulong address))
        {
            return false;
        }

        if ((selector & 3) != cpl || !d.IsWritableData || d.Dpl != cpl)
        {
            return FailSelector(GuestFault.GeneralProtection, selector);
        }

        if (!d.Present)
        {
            return FailSelector(GuestFault.StackFault, selector);
        }

        if (!TrySetAccessed(address, ref d))
        {
            return false;
        }

        ss = d.ToSegment(selector);
        return true;
    }

    /// <summary>On a return outward, data segments the outer level may not use become null; FS and GS bases stay if already null.</summary>
    private void DropInnerSegments(int cpl)
    {
        ReadOnlySpan<SegmentIndex> data = [SegmentIndex.Es, SegmentIndex.Ds, SegmentIndex.Fs, SegmentIndex.Gs];
        foreach (SegmentIndex index in data)
        {
            ref Segment s = ref SegmentOf(index);
            bool conforming = (s.Type & 0xC) == 0xC;
            if (!s.Unusable && !IsNull(s.Selector) && !conforming && s.Dpl < cpl)
            {
                s = new Segment { Access = UnusableAccess };
            }
        }
    }
}
