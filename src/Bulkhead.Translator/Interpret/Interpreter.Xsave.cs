using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>
/// <para>XSAVE, XSAVEOPT, XSAVEC, XRSTOR for x87, SSE and AVX state. AVX is the only extended component, so it lies at 576 in
/// both formats.</para>
/// <para><i>Shape</i>: legacy region [0, 512), header [512, 576) with XSTATE_BV and XCOMP_BV, upper halves of YMM [576, 832).</para>
/// <para><i>Source</i>: Intel SDM Vol. 1, 13.4 XSAVE Area, 13.7 to 13.10 Operation of XSAVE, XRSTOR, XSAVEOPT, XSAVEC.</para>
/// </remarks>
internal sealed unsafe partial class Interpreter
{
    private const int XsaveHeader = 512, XsaveAvx = 576, XsaveSize = 832;
    private const ulong CompactedFormat = 1ul << 63;

    private InterpretResult ExecuteXsave(in Instruction instruction, XsaveForm form)
    {
        if (!TryBeginXsave(in instruction, write: true, out ulong linear, out ulong requested))
        {
            return InterpretResult.Fault;
        }

        if ((requested & StateX87) != 0)
        {
            _fpu.SaveX87();
        }

        ulong inUse = requested & StatesInUse();
        ulong saved = form == XsaveForm.Plain ? requested : inUse;
        if (form == XsaveForm.Compacted && _r->Mxcsr != MxcsrInitial)
        {
            saved |= requested & StateSse;
        }

        byte* area = stackalloc byte[XsaveSize];
        ulong* header = (ulong*)(area + XsaveHeader);
        if (form == XsaveForm.Compacted)
        {
            header[0] = saved;
            header[1] = requested | CompactedFormat;
        }
        else
        {
            if (!TryRead(At(linear, XsaveHeader), 8, DataAccess(true), out ulong old))
            {
                return InterpretResult.Fault;
            }

            header[0] = (old & ~requested) | inUse;
        }

        bool mxcsr = form == XsaveForm.Compacted ? (saved & StateSse) != 0 : (requested & (StateSse | StateAvx)) != 0;
        Span<XsavePiece> pieces = stackalloc XsavePiece[6];
        int count = 0;
        if ((saved & StateX87) != 0)
        {
            PutX87(area);
            Append(pieces, ref count, 0, LegacyMxcsr);
        }

        if (mxcsr)
        {
            PutMxcsr(area);
            Append(pieces, ref count, LegacyMxcsr, 8);
        }

        if ((saved & StateX87) != 0)
        {
            Append(pieces, ref count, X87Stack, 128);
        }

        if ((saved & StateSse) != 0)
        {
            PutXmm(area);
            Append(pieces, ref count, LegacyXmm, VectorCount * 16);
        }

        Append(pieces, ref count, XsaveHeader, form == XsaveForm.Compacted ? 16 : 8);
        if ((saved & StateAvx) != 0)
        {
            PutYmmUpper(area);
            Append(pieces, ref count, XsaveAvx, VectorCount * 16);
        }

        return TryWritePieces(linear, area, pieces[..count]) ? Next(in instruction) : InterpretResult.Fault;
    }

    private InterpretResult ExecuteXrstor(in Instruction instruction)
    {
        byte* area = stackalloc byte[XsaveSize];
        ulong* header = (ulong*)(area + XsaveHeader);
        if (!TryBeginXsave(in instruction, write: false, out ulong linear, out ulong requested)
            || !TryReadPiece(linear, XsaveHeader, new Span<byte>(header, 64)))
        {
            return InterpretResult.Fault;
        }

        ulong present = header[0];
        bool compacted = (header[1] & CompactedFormat) != 0;
        ulong format = header[1] & ~CompactedFormat;
        ulong reserved = compacted
            ? (format & ~_r->Xcr0) | (present & ~format) | header[2] | header[3] | header[4] | header[5] | header[6] | header[7]
            : (present & ~_r->Xcr0) | header[1] | header[2];
        if (reserved != 0)
        {
            return FailGp();
        }

        // A component the compacted format leaves out is not in XSTATE_BV either, so it takes its initial configuration.
        ulong restored = requested & present;
        bool mxcsr = compacted ? (restored & StateSse) != 0 : (requested & (StateSse | StateAvx)) != 0;
        if (!TryReadStates(linear, area, restored, mxcsr))
        {
            return InterpretResult.Fault;
        }

        if (mxcsr && (*(uint*)(area + LegacyMxcsr) & ~MxcsrMask) != 0)
        {
            return FailGp();
        }

        if ((requested & StateX87) != 0)
        {
            RestoreX87(area, (restored & StateX87) != 0);
        }

        if ((requested & StateSse) != 0)
        {
            if ((restored & StateSse) == 0)
            {
                new Span<byte>(area + LegacyXmm, 256).Clear();
            }

            TakeXmm(area);
        }

        if (mxcsr)
        {
            _r->Mxcsr = *(uint*)(area + LegacyMxcsr);
        }
        else if ((requested & StateSse) != 0)
        {
            _r->Mxcsr = MxcsrInitial;
        }

        if ((requested & StateAvx) != 0)
        {
            if ((restored & StateAvx) == 0)
            {
                new Span<byte>(area + XsaveAvx, 256).Clear();
            }

            TakeYmmUpper(area);
        }

        return Next(in instruction);
    }

    private bool TryBeginXsave(in Instruction instruction, bool write, out ulong linear, out ulong requested)
    {
        linear = 0;
        requested = ((_r->Gpr[Rdx] << 32) | (uint)_r->Gpr[Rax]) & _r->Xcr0;
        if ((_r->Cr4 & Cr4.OSXSAVE) == 0)
        {
            Fault = GuestFault.Ud;
            return false;
        }

        if (!MayUse(Cr0.TS) || !TryAddress(instruction.MemorySegment, EffectiveOffset(in instruction), XsaveAvx, write, out linear))
        {
            return false;
        }

        Fault = GuestFault.Gp();
        return (linear & 63) == 0;
    }

    private bool TryReadStates(ulong linear, byte* area, ulong states, bool mxcsr)
    {
        if ((states & (StateX87 | StateSse)) != 0)
        {
            int length = (states & StateSse) != 0 ? LegacyXmm + (VectorCount * 16) : LegacyXmm;
            if (!TryReadPiece(linear, 0, new Span<byte>(area, length)))
            {
                return false;
            }
        }
        else if (mxcsr && !TryReadPiece(linear, LegacyMxcsr, new Span<byte>(area + LegacyMxcsr, 8)))
        {
            return false;
        }

        return (states & StateAvx) == 0
            || TryReadPiece(linear, XsaveAvx, new Span<byte>(area + XsaveAvx, VectorCount * 16));
    }

    private bool TryReadPiece(ulong linear, int offset, Span<byte> data)
    {
        Breakpoints.NoteAccess(At(linear, offset), data.Length, write: false);
        return TryReadBytes(At(linear, offset), data, DataAccess(false));
    }

    private void RestoreX87(byte* area, bool present)
    {
        if (!present)
        {
            new Span<byte>(area, LegacyMxcsr).Clear();
            new Span<byte>(area + X87Stack, 128).Clear();
            *(ushort*)area = X87ControlInitial;
        }

        TakeX87(area);
        _fpu.LoadX87();
    }

    /// <summary>The components that are not known to be in their initial configuration; x87 from the saved image.</summary>
    private ulong StatesInUse()
    {
        ulong states = 0;
        bool x87 = ControlWord != X87ControlInitial || StatusWord != 0 || _r->X87[X87Tags] != 0;
        for (int i = 0; i < 8 && !x87; i++)
        {
            x87 = *(ulong*)X87Register(i) != 0 || *(ushort*)(X87Register(i) + 8) != 0;
        }

        ulong low = 0;
        ulong high = 0;
        for (int i = 0; i < VectorCount; i++)
        {
            ulong* v = (ulong*)Vector(i);
            low |= v[0] | v[1];
            high |= v[2] | v[3];
        }

        states |= x87 ? StateX87 : 0;
        states |= low != 0 ? StateSse : 0;
        return states | (high != 0 ? StateAvx : 0);
    }

    private void PutYmmUpper(byte* area)
    {
        for (int i = 0; i < VectorCount; i++)
        {
            new ReadOnlySpan<byte>(Vector(i) + 16, 16).CopyTo(new Span<byte>(area + XsaveAvx + (i * 16), 16));
        }
    }

    private void TakeYmmUpper(byte* area)
    {
        for (int i = 0; i < VectorCount; i++)
        {
            new ReadOnlySpan<byte>(area + XsaveAvx + (i * 16), 16).CopyTo(new Span<byte>(Vector(i) + 16, 16));
        }
    }

    /// <summary>Adds a range, joined to the one before where they touch.</summary>
    private static void Append(Span<XsavePiece> pieces, ref int count, int offset, int length)
    {
        if (count > 0 && pieces[count - 1].Offset + pieces[count - 1].Length == offset)
        {
            pieces[count - 1] = new XsavePiece(pieces[count - 1].Offset, pieces[count - 1].Length + length);
            return;
        }

        pieces[count++] = new XsavePiece(offset, length);
    }

    private bool TryWritePieces(ulong linear, byte* area, ReadOnlySpan<XsavePiece> pieces)
    {
        foreach (ref readonly XsavePiece p in pieces)
        {
            if (!TryProbe(At(linear, p.Offset), p.Length, DataAccess(true)))
            {
                return false;
            }
        }

        foreach (ref readonly XsavePiece p in pieces)
        {
            Breakpoints.NoteAccess(At(linear, p.Offset), p.Length, write: true);
            if (!TryWriteBytes(At(linear, p.Offset), new ReadOnlySpan<byte>(area + p.Offset, p.Length), DataAccess(true)))
            {
                return false;
            }
        }

        return true;
    }

    private ulong At(ulong linear, int offset) => _r->Code64 ? linear + (ulong)offset : (uint)(linear + (ulong)offset);
}
