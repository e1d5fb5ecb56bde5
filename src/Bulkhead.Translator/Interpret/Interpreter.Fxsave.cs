using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>
/// FXSAVE and FXRSTOR. The 64-bit forms differ only in the x87 pointers, which are zero here.
/// <i>Source</i>: Intel SDM Vol. 1, 10.5 FXSAVE and FXRSTOR Instructions; Vol. 2A, FXSAVE, Table 3-43 ff.
/// </remarks>
internal sealed unsafe partial class Interpreter
{
    private const int LegacyMxcsr = 24, LegacyXmm = 160;

    private InterpretResult ExecuteFxsave(in Instruction instruction)
    {
        if (!TryBeginFx(in instruction, write: true, out ulong linear) || !TryProbe(linear, 512, DataAccess(true)))
        {
            return InterpretResult.Fault;
        }

        byte* area = stackalloc byte[512];
        int length = LegacyXmm + (VectorCount * 16); // the rest is software's
        _fpu.SaveX87();
        PutX87(area);
        PutMxcsr(area);
        PutXmm(area);
        return TryWriteBytes(linear, new ReadOnlySpan<byte>(area, length), DataAccess(true)) ? Next(in instruction) : InterpretResult.Fault;
    }

    private InterpretResult ExecuteFxrstor(in Instruction instruction)
    {
        byte* area = stackalloc byte[512];
        if (!TryBeginFx(in instruction, write: false, out ulong linear) || !TryReadBytes(linear, new Span<byte>(area, 512), DataAccess(false)))
        {
            return InterpretResult.Fault;
        }

        uint mxcsr = *(uint*)(area + LegacyMxcsr);
        if ((mxcsr & ~MxcsrMask) != 0)
        {
            return FailGp();
        }

        _fpu.SaveX87();
        TakeX87(area);
        _fpu.LoadX87();
        _r->Mxcsr = mxcsr;
        TakeXmm(area);
        return Next(in instruction);
    }

    private bool TryBeginFx(in Instruction instruction, bool write, out ulong linear)
    {
        linear = 0;
        if (!MayUse(Cr0.TS | Cr0.EM) || !TryLinear(in instruction, 512, write, out linear))
        {
            return false;
        }

        Fault = GuestFault.Gp();
        return (linear & 15) == 0;
    }

    /// <summary>The x87 part of a legacy area, from the saved image.</summary>
    private void PutX87(byte* area)
    {
        *(ulong*)area = ControlWord | ((ulong)StatusWord << 16) | ((ulong)_r->X87[X87Tags] << 32);
        *(ulong*)(area + 8) = 0;
        *(ulong*)(area + 16) = 0;
        for (int i = 0; i < 8; i++)
        {
            byte* from = X87Register(i);
            byte* to = area + X87Stack + (i * 16);
            *(ulong*)to = *(ulong*)from;
            *(ulong*)(to + 8) = *(ushort*)(from + 8);
        }
    }

    private void PutMxcsr(byte* area)
    {
        *(uint*)(area + LegacyMxcsr) = _r->Mxcsr;
        *(uint*)(area + LegacyMxcsr + 4) = MxcsrMask;
    }

    private void PutXmm(byte* area)
    {
        for (int i = 0; i < VectorCount; i++)
        {
            new ReadOnlySpan<byte>(Vector(i), 16).CopyTo(new Span<byte>(area + LegacyXmm + (i * 16), 16));
        }
    }

    /// <summary>Takes the x87 part of a legacy area into the image; MXCSR in the image is not the guest's and stays.</summary>
    private void TakeX87(byte* area)
    {
        new ReadOnlySpan<byte>(area, LegacyMxcsr).CopyTo(new Span<byte>(_r->X87, LegacyMxcsr));
        new ReadOnlySpan<byte>(area + X87Stack, 128).CopyTo(new Span<byte>(_r->X87 + X87Stack, 128));
        ClearPointers();
        _r->X87[X87Tags + 1] = 0;
    }

    private void TakeXmm(byte* area)
    {
        for (int i = 0; i < VectorCount; i++)
        {
            new ReadOnlySpan<byte>(area + LegacyXmm + (i * 16), 16).CopyTo(new Span<byte>(Vector(i), 16));
        }
    }
}
