using Bulkhead.X86.State;

namespace Bulkhead.Translator;

/// <summary>The state after power-up or INIT.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 9.1.1 Processor State After Reset, table 9-1.</remarks>
internal static unsafe class PowerUp
{
    /// <summary>Power-up.</summary>
    internal static void Reset(ref Registers r)
    {
        r = default;
        r.Pat = 0x0007_0406_0007_0406;
        r.Mxcsr = 0x1F80;
        r.Xcr0 = 1;
        r.MiscEnable = 1;
        ushort* control = (ushort*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref r.X87[0]);
        control[0] = 0x40;
        InitCommon(ref r);
        r.Cr0 = 0x6000_0010;
    }

    /// <summary>INIT: memory, MSRs, x87 and SSE state stay.</summary>
    internal static void Init(ref Registers r)
    {
        for (int i = 0; i < 16; i++)
        {
            r.Gpr[i] = 0;
        }

        InitCommon(ref r);
        r.Cr0 = (r.Cr0 & 0x6000_0000) | 0x10;
    }

    /// <summary>SIPI: real mode at vector * 4096.</summary>
    internal static void StartUp(ref Registers r, byte vector)
    {
        ref Segment cs = ref r.Segments[(int)SegmentIndex.Cs];
        cs.Selector = (ushort)(vector << 8);
        cs.Base = (ulong)vector << 12;
        r.Rip = 0;
        r.Activity = (byte)ActivityState.Active;
    }

    private static void InitCommon(ref Registers r)
    {
        r.Rip = 0xFFF0;
        r.Rflags = Rflags.Fixed;
        r.Gpr[2] = 0x0006_0F00;
        for (int i = 0; i < 6; i++)
        {
            r.Segments[i] = new Segment { Limit = 0xFFFF, Access = i == (int)SegmentIndex.Cs ? 0x9Bu : 0x93u };
        }

        r.Segments[(int)SegmentIndex.Cs].Selector = 0xF000;
        r.Segments[(int)SegmentIndex.Cs].Base = 0xFFFF_0000;
        r.Segments[(int)SegmentIndex.Ldtr] = new Segment { Limit = 0xFFFF, Access = 0x82 };
        r.Segments[(int)SegmentIndex.Tr] = new Segment { Limit = 0xFFFF, Access = 0x8B };
        r.GdtBase = 0;
        r.IdtBase = 0;
        r.GdtLimit = 0xFFFF;
        r.IdtLimit = 0xFFFF;
        r.Cr2 = 0;
        r.Cr3 = 0;
        r.Cr4 = 0;
        r.Efer = 0;
        r.Dr6 = 0xFFFF_0FF0;
        r.Dr7 = 0x400;
        r.InterruptShadow = 0;
        r.NmiBlocked = 0;
        r.NmiPending = 0;
    }
}
