using System.Buffers.Binary;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.Segmentation;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 3A, chapter 6 Interrupt and Exception Handling (6.12 Exception and Interrupt
/// Handling, 6.14 in 64-bit Mode, table 6-5 Conditions for Generating a Double Fault); 20.1.4 for real mode.</remarks>
internal sealed unsafe partial class Interpreter
{
    /// <summary>Delivers an exception raised at the current RIP.</summary>
    internal DeliveryResult TryDeliver(GuestFault fault)
    {
        _exits.Add(ExitReason.ExceptionOrNmi);
        return Deliver(fault.Vector, fault, InterruptKind.Exception);
    }

    /// <summary>Delivers #DB before the instruction at RIP, for the given bits of DR6; what was there stays.</summary>
    internal DeliveryResult DeliverDebug(ulong dr6)
    {
        _r->Dr6 |= dr6;
        return TryDeliver(GuestFault.Plain(GuestFault.Debug));
    }

    /// <summary>Delivers an interrupt or NMI before the instruction at RIP. The caller has looked at IF, the shadow and NMI blocking.</summary>
    internal DeliveryResult DeliverInterrupt(byte vector, InterruptKind kind)
    {
        _exits.Add(kind == InterruptKind.Nmi ? ExitReason.ExceptionOrNmi : ExitReason.ExternalInterrupt);
        return Deliver(vector, GuestFault.Plain(vector), kind);
    }

    private DeliveryResult Deliver(byte vector, GuestFault event_, InterruptKind kind)
    {
        if (kind == InterruptKind.Exception && vector == GuestFault.PageFaultVector)
        {
            _r->Cr2 = event_.Address;
        }

        while (true)
        {
            switch (Enter(vector, event_, kind, _r->Rip))
            {
                case InterpretResult.Done:
                    if (kind == InterruptKind.Nmi)
                    {
                        _r->NmiBlocked = 1;
                    }
                    else if (kind == InterruptKind.Exception && vector == GuestFault.Debug)
                    {
                        _r->Dr7 &= ~Dr7.GD; // the handler may use the debug registers
                    }

                    _r->InterruptShadow = 0;
                    _r->Activity = (byte)ActivityState.Active;
                    return DeliveryResult.Delivered;
                case InterpretResult.Unsupported:
                    return DeliveryResult.Unsupported;
            }

            GuestFault second = Fault;
            if (second.Vector == GuestFault.PageFaultVector)
            {
                // Also where #DF takes its place: the handler of a stack overflow looks at CR2.
                _r->Cr2 = second.Address;
            }

            if (kind == InterruptKind.Exception)
            {
                if (vector == GuestFault.DoubleFault)
                {
                    return DeliveryResult.TripleFault;
                }

                if (MakesDoubleFault(vector, second.Vector))
                {
                    second = GuestFault.WithCode(GuestFault.DoubleFault, 0);
                }
            }

            event_ = second;
            vector = second.Vector;
            kind = InterruptKind.Exception;
        }
    }

    private static bool MakesDoubleFault(byte first, byte second) => first == GuestFault.PageFaultVector
        ? second == GuestFault.PageFaultVector || IsContributory(second)
        : IsContributory(first) && IsContributory(second);

    private static bool IsContributory(byte vector) =>
        vector is GuestFault.DivideError or (>= GuestFault.InvalidTss and <= GuestFault.GeneralProtection);

    private InterpretResult Into(in Instruction instruction)
    {
        if (_r->Code64)
        {
            return FailUd();
        }

        return (_r->Rflags & Rflags.OF) == 0 ? Next(in instruction) : SoftwareInterrupt(in instruction, 4, InterruptKind.Software);
    }

    private InterpretResult SoftwareInterrupt(in Instruction instruction, byte vector, InterruptKind kind)
    {
        _exits.Add(ExitReason.Helper);
        return Enter(vector, GuestFault.Plain(vector), kind, NextRip(in instruction));
    }

    /// <summary>Goes through the IDT once; changes nothing unless it succeeds.</summary>
    private InterpretResult Enter(byte vector, GuestFault event_, InterruptKind kind, ulong returnRip)
    {
        if (Virtual8086)
        {
            return Refuse("interrupt in virtual-8086 mode");
        }

        if (!ProtectedMode)
        {
            return EnterReal(vector, returnRip);
        }

        uint ext = kind == InterruptKind.Software ? 0u : 1u;
        uint gateCode = ((uint)vector << 3) | 2 | ext;
        bool longMode = _r->LongMode;
        uint gateSize = longMode ? 16u : 8u;
        if (((vector + 1u) * gateSize) - 1 > _r->IdtLimit)
        {
            return Fail(GuestFault.Gp(gateCode));
        }

        ulong at = _r->IdtBase + (vector * gateSize);
        Span<byte> bytes = stackalloc byte[16];
        if (!TryReadBytes(at, bytes[..(int)gateSize], Access.Read))
        {
            return InterpretResult.Fault;
        }

        Gate gate = new(BinaryPrimitives.ReadUInt64LittleEndian(bytes), longMode ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) : 0);
        bool small = gate.Type is Gate.Interrupt16 or Gate.Trap16;
        if (gate.Type is not (Gate.Interrupt or Gate.Trap) && (longMode || !(small || gate.Type == Gate.Task)))
        {
            return Fail(GuestFault.Gp(gateCode));
        }

        if (kind == InterruptKind.Software && gate.Dpl < _r->Cpl)
        {
            return Fail(GuestFault.Gp(gateCode));
        }

        if (!gate.Present)
        {
            return Fail(GuestFault.WithCode(GuestFault.SegmentNotPresent, gateCode));
        }

        if (gate.Type == Gate.Task)
        {
            return SwitchTask(gate.Selector, ext, "task gate");
        }

        return TryGateTarget(gate.Selector, ext, out Segment cs)
            ? EnterGate(gate, small, cs, event_, kind, ext, returnRip)
            : InterpretResult.Fault;
    }

    /// <summary>The handler's code segment; its DPL (non-conforming) is the new CPL.</summary>
    private bool TryGateTarget(ushort selector, uint ext, out Segment cs)
    {
        cs = default;
        if (IsNull(selector))
        {
            Fault = GuestFault.Gp(ext);
            return false;
        }

        if (!TryReadDescriptor(selector, GuestFault.GeneralProtection, ext, out Descriptor d, out ulong address))
        {
            return false;
        }

        bool is64 = d.Long && !d.Big;
        if (!d.IsCode || d.Dpl > _r->Cpl || (_r->LongMode && !is64))
        {
            return FailSelector(GuestFault.GeneralProtection, selector, ext);
        }

        if (!d.Present)
        {
            return FailSelector(GuestFault.SegmentNotPresent, selector, ext);
        }

        if (!TrySetAccessed(address, ref d))
        {
            return false;
        }

        int cpl = d.IsConforming ? _r->Cpl : d.Dpl;
        cs = d.ToSegment((ushort)((selector & ~3) | cpl));
        return true;
    }

    private InterpretResult EnterGate(Gate gate, bool small, Segment cs, GuestFault event_, InterruptKind kind, uint ext, ulong returnRip)
    {
        int oldCpl = _r->Cpl, cpl = cs.Selector & 3;
        Segment oldSs = SegmentOf(SegmentIndex.Ss), ss = oldSs;
        ulong rsp = _r->Gpr[Rsp];
        bool longMode = _r->LongMode;
        if (longMode)
        {
            if (!TryLongStack(gate.Ist, oldCpl, cpl, ref rsp, ref ss, ext))
            {
                return InterpretResult.Fault;
            }
        }
        else if (cpl < oldCpl && !TryInnerStack(cpl, ext, out rsp, out ss))
        {
            return InterpretResult.Fault;
        }

        // Faults proper resume with RF set; traps (#BP, #OF), interrupts and #DB of any kind push it as it is.
        ulong flags = _r->Rflags;
        if (kind == InterruptKind.Exception && event_.Vector is not (GuestFault.Debug or GuestFault.Breakpoint or 4))
        {
            flags |= Rflags.RF;
        }

        Span<ulong> words = stackalloc ulong[6];
        int count = 0;
        if (event_.HasErrorCode)
        {
            words[count++] = event_.ErrorCode;
        }

        words[count++] = returnRip;
        words[count++] = SegmentOf(SegmentIndex.Cs).Selector;
        words[count++] = flags;
        if (longMode || cpl < oldCpl)
        {
            words[count++] = _r->Gpr[Rsp];
            words[count++] = oldSs.Selector;
        }

        int size = longMode ? 8 : small ? 2 : 4;
        ulong target = small ? gate.Offset16 : gate.Offset;
        if (!CheckTarget(target, in cs, longMode) || !TryPushFrame(words[..count], size, cpl, in ss, rsp, out ulong newRsp))
        {
            return InterpretResult.Fault;
        }

        _r->Rflags &= ~(Rflags.TF | Rflags.NT | Rflags.RF | Rflags.VM | (gate.Type is Gate.Interrupt or Gate.Interrupt16 ? Rflags.IF : 0));
        SegmentOf(SegmentIndex.Cs) = cs;
        SegmentOf(SegmentIndex.Ss) = ss;
        WriteGpr(Rsp, newRsp, longMode ? 8 : ss.Big ? 4 : 2);
        _r->Rip = target;
        return InterpretResult.Done;
    }

    /// <summary>The stack of a 64-bit handler: IST, the inner RSP of the TSS, or the current one; aligned to 16.</summary>
    private bool TryLongStack(int ist, int oldCpl, int cpl, ref ulong rsp, ref Segment ss, uint ext)
    {
        if (ist != 0 || cpl < oldCpl)
        {
            ref Segment tr = ref SegmentOf(SegmentIndex.Tr);
            uint offset = ist != 0 ? 0x1Cu + (8u * (uint)ist) : 4u + (8u * (uint)cpl);
            if (tr.Unusable || offset + 7 > tr.Limit)
            {
                return FailSelector(GuestFault.InvalidTss, tr.Selector, ext);
            }

            if (!TryRead(tr.Base + offset, 8, Access.Read, out rsp))
            {
                return false;
            }

            if (!Canonical.Is(rsp))
            {
                Fault = GuestFault.WithCode(GuestFault.StackFault, ext);
                return false;
            }
        }

        if (cpl < oldCpl)
        {
            ss = NullStack((ushort)cpl, cpl);
        }

        rsp &= ~15ul;
        return true;
    }

    /// <summary>SS:ESP of an inner level from a 32- or 16-bit TSS.</summary>
    private bool TryInnerStack(int cpl, uint ext, out ulong rsp, out Segment ss)
    {
        ref Segment tr = ref SegmentOf(SegmentIndex.Tr);
        bool tss32 = (tr.Type & 8) != 0;
        int width = tss32 ? 4 : 2;
        uint offset = (uint)(width + (2 * width * cpl));
        rsp = 0;
        ss = default;
        if (tr.Unusable || offset + (2 * width) - 1 > tr.Limit)
        {
            return FailSelector(GuestFault.InvalidTss, tr.Selector, ext);
        }

        if (!TryRead(tr.Base + offset, width, Access.Read, out rsp) || !TryRead(tr.Base + offset + (uint)width, 2, Access.Read, out ulong value))
        {
            return false;
        }

        ushort selector = (ushort)value;
        if (IsNull(selector))
        {
            Fault = GuestFault.WithCode(GuestFault.InvalidTss, ext);
            return false;
        }

        if (!TryReadDescriptor(selector, GuestFault.InvalidTss, ext, out Descriptor d, out ulong address))
        {
            return false;
        }

        if ((selector & 3) != cpl || d.Dpl != cpl || !d.IsWritableData)
        {
            return FailSelector(GuestFault.InvalidTss, selector, ext);
        }

        if (!d.Present)
        {
            return FailSelector(GuestFault.StackFault, selector, ext);
        }

        if (!TrySetAccessed(address, ref d))
        {
            return false;
        }

        ss = d.ToSegment(selector);
        return true;
    }

    /// <summary>Writes a frame, lowest word first, below <paramref name="rsp"/> of the new stack.</summary>
    private bool TryPushFrame(ReadOnlySpan<ulong> words, int size, int cpl, ref readonly Segment ss, ulong rsp, out ulong newRsp)
    {
        Span<byte> bytes = stackalloc byte[48];
        for (int i = 0; i < words.Length; i++)
        {
            // Each word overwrites the surplus of the one before.
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.Slice(i * size, 8), words[i]);
        }

        int length = words.Length * size;
        newRsp = rsp - (uint)length;
        if (!ss.Big && !_r->LongMode && (ushort)newRsp + length > 0x10000)
        {
            return TryPushAround(bytes[..length], size, cpl, in ss, ref newRsp);
        }

        ulong linear = newRsp;
        bool inside = true;
        if (size == 8 || _r->LongMode)
        {
            inside = Canonical.Is(newRsp) && Canonical.Is(rsp - 1);
        }
        else
        {
            newRsp = ss.Big ? (uint)newRsp : (ushort)newRsp;
            linear = (uint)(ss.Base + newRsp);
            inside = InSegment(in ss, (uint)newRsp, (uint)length, true);
        }

        if (!inside)
        {
            Fault = GuestFault.WithCode(GuestFault.StackFault, 0);
            return false;
        }

        return TryWriteBytes(linear, bytes[..length], cpl == 3 ? Access.Write | Access.User : Access.Write);
    }

    /// <summary>The same where SP begins again at the top of its segment on the way.</summary>
    private bool TryPushAround(ReadOnlySpan<byte> frame, int size, int cpl, ref readonly Segment ss, ref ulong newRsp)
    {
        newRsp = (ushort)newRsp;
        Access access = cpl == 3 ? Access.Write | Access.User : Access.Write;
        for (int at = 0; at < frame.Length; at += size)
        {
            ushort offset = (ushort)(newRsp + (uint)at);
            if (!InSegment(in ss, offset, (uint)size, true))
            {
                Fault = GuestFault.WithCode(GuestFault.StackFault, 0);
                return false;
            }

            if (!TryProbe((uint)(ss.Base + offset), size, access))
            {
                return false;
            }
        }

        for (int at = 0; at < frame.Length; at += size)
        {
            _ = TryWriteBytes((uint)(ss.Base + (ushort)(newRsp + (uint)at)), frame.Slice(at, size), access);
        }

        return true;
    }

    private InterpretResult EnterReal(byte vector, ulong returnRip)
    {
        uint at = vector * 4u;
        if (at + 3 > _r->IdtLimit)
        {
            return Fail(GuestFault.Gp((at << 1) | 2));
        }

        if (!TryRead(_r->IdtBase + at, 4, Access.Read, out ulong pointer))
        {
            return InterpretResult.Fault;
        }

        Span<ulong> words = [(ushort)returnRip, SegmentOf(SegmentIndex.Cs).Selector, (ushort)_r->Rflags];
        if (!TryPushFrame(words, 2, 0, in SegmentOf(SegmentIndex.Ss), StackPointer, out ulong newSp))
        {
            return InterpretResult.Fault;
        }

        _r->Rflags &= ~(Rflags.IF | Rflags.TF | Rflags.AC | Rflags.RF);
        StackPointer = newSp;
        LoadReal(ref SegmentOf(SegmentIndex.Cs), (ushort)(pointer >> 16));
        _r->Rip = (ushort)pointer;
        return InterpretResult.Done;
    }
}
