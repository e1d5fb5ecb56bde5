namespace Bulkhead.X86.State;

/// <summary>The states a processor begins in.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 9.1 Initialization Overview, table 9-1; 8.4 Multiple-Processor Initialization.</remarks>
public static unsafe class PowerUp
{
    private const ulong PatDefault = 0x0007_0406_0007_0406;

    /// <summary>Power-up or RESET: everything.</summary>
    /// <param name="r">The state to fill; TSC offset and adjust are the caller's.</param>
    /// <param name="signature">CPUID 1 EAX, which EDX shows.</param>
    public static void Reset(ref Registers r, uint signature)
    {
        ulong offset = r.TscOffset;
        r = default;
        r.TscOffset = offset;
        r.Xcr0 = 1;
        r.Pat = PatDefault;
        r.MiscEnable = 1;
        r.Mxcsr = 0x1F80;
        r.X87[0] = 0x40; // FCW after RESET: 0040H
        r.X87[2] = 0;
        r.X87[4] = 0xFF; // every register valid (zero), as FXSAVE's abridged tag has it
        r.X87[24] = 0x80;
        r.X87[25] = 0x1F;
        r.Cr0 = Cr0.CD | Cr0.NW | Cr0.ET;
        Init(ref r, signature);
    }

    /// <summary>INIT: what RESET does, but for the FPU, the vector registers, MSRs, and CR0.CD and NW.</summary>
    /// <param name="r">The state to change.</param>
    /// <param name="signature">CPUID 1 EAX, which EDX shows.</param>
    public static void Init(ref Registers r, uint signature)
    {
        for (int i = 0; i < 16; i++)
        {
            r.Gpr[i] = 0;
        }

        r.Gpr[2] = signature;
        r.Rip = 0xFFF0;
        r.Rflags = Rflags.Fixed;
        r.Cr0 = (r.Cr0 & (Cr0.CD | Cr0.NW)) | Cr0.ET;
        r.Cr2 = r.Cr3 = r.Cr4 = 0;
        r.Efer = 0;
        r.KernelGsBase = 0;
        r.Dr6 = 0xFFFF_0FF0;
        r.Dr7 = 0x400;
        for (int i = 0; i < 4; i++)
        {
            r.Dr[i] = 0;
        }

        r.GdtBase = r.IdtBase = 0;
        r.GdtLimit = r.IdtLimit = 0xFFFF;
        for (int i = 0; i <= (int)SegmentIndex.Gs; i++)
        {
            r.Segments[i] = new Segment { Limit = 0xFFFF, Access = 0x93 };
        }

        r.Segments[(int)SegmentIndex.Cs] = new Segment { Selector = 0xF000, Base = 0xFFFF_0000, Limit = 0xFFFF, Access = 0x9B };
        r.Segments[(int)SegmentIndex.Ldtr] = new Segment { Limit = 0xFFFF, Access = 0x82 };
        r.Segments[(int)SegmentIndex.Tr] = new Segment { Limit = 0xFFFF, Access = 0x8B };
        r.InterruptShadow = r.NmiBlocked = r.NmiPending = 0;
        r.Activity = (byte)ActivityState.Active;
    }

    /// <summary>Start-up IPI: begins at vector * 4096 in real mode.</summary>
    /// <param name="r">The state INIT left.</param>
    /// <param name="vector">The vector of the IPI.</param>
    public static void StartUp(ref Registers r, byte vector)
    {
        ref Segment cs = ref r.Segments[(int)SegmentIndex.Cs];
        cs.Selector = (ushort)(vector << 8);
        cs.Base = (ulong)vector << 12;
        r.Rip = 0;
        r.Activity = (byte)ActivityState.Active;
    }
}
