using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>Vector registers, and whether the guest may use them. <i>Source</i>: Intel SDM Vol. 3A, 13.1; Vol. 2A, 2.4 Exceptions.</remarks>
internal sealed unsafe partial class Interpreter
{
    private const int VectorBytes = 32;

    /// <summary>MXCSR bits that exist; the CPUID policy hides AMD's bit 17 (misaligned SSE).</summary>
    private const uint MxcsrMask = 0xFFFF;

    private const uint MxcsrInitial = 0x1F80;

    /// <summary>XCR0 and XSTATE_BV bits.</summary>
    private const ulong StateX87 = 1, StateSse = 2, StateAvx = 4;

    /// <summary>Sixteen vector registers in 64-bit code, else eight.</summary>
    private int VectorCount => _r->Code64 ? 16 : 8;

    private byte* Vector(int index) => (byte*)&_r->Ymm + (index * VectorBytes);

    private byte* Vector(Register register) => Vector(register >= Register.YMM0 ? register - Register.YMM0 : register - Register.XMM0);

    private static int VectorLength(Register register) => register >= Register.YMM0 ? 32 : 16;

    /// <summary>#UD or #NM where an SSE (or, with a VEX prefix, AVX) instruction may not execute.</summary>
    private bool MayUseVectors(bool vex)
    {
        bool offered = vex
            ? (_r->Cr4 & Cr4.OSXSAVE) != 0 && (_r->Xcr0 & (StateSse | StateAvx)) == (StateSse | StateAvx)
                && (_r->Cr0 & Cr0.PE) != 0 && (_r->Rflags & Rflags.VM) == 0
            : (_r->Cr0 & Cr0.EM) == 0 && (_r->Cr4 & Cr4.OSFXSR) != 0;
        if (!offered)
        {
            Fault = GuestFault.Ud;
            return false;
        }

        return MayUse(Cr0.TS);
    }

    /// <summary>#NM where one of the named bits of CR0 (TS, EM) is set.</summary>
    private bool MayUse(ulong forbidding)
    {
        Fault = GuestFault.Plain(GuestFault.DeviceNotAvailable);
        return (_r->Cr0 & forbidding) == 0;
    }

    private InterpretResult ExecuteLoadMxcsr(in Instruction instruction, bool vex)
    {
        if (!MayUseVectors(vex) || !TryReadOperand(in instruction, 0, 4, out ulong value))
        {
            return InterpretResult.Fault;
        }

        if (((uint)value & ~MxcsrMask) != 0)
        {
            return FailGp();
        }

        _r->Mxcsr = (uint)value;
        return Next(in instruction);
    }

    private InterpretResult ExecuteStoreMxcsr(in Instruction instruction, bool vex) =>
        MayUseVectors(vex) && TryWriteOperand(in instruction, 0, 4, _r->Mxcsr) ? Next(in instruction) : InterpretResult.Fault;
}
