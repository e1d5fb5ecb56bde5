using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bulkhead.X86.State;

/// <summary>The architectural state of one vCPU, at offsets translated code relies on.</summary>
/// <remarks>
/// <para>Lives at offset 0 of the engine's native state block. While translated code runs, most of it is in host
/// registers; whenever C# looks, it is whole and exact, but for x87/MMX (see <c>IFpuState</c>).</para>
/// <para><i>Threading</i>: the vCPU's thread.</para>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct Registers
{
    /// <summary>RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8..R15.</summary>
    public fixed ulong Gpr[16];

    /// <summary>The instruction pointer: at a fault, of the instruction that faulted.</summary>
    public ulong Rip;

    /// <summary>All of RFLAGS; bit 1 is always set.</summary>
    public ulong Rflags;

    /// <summary>ES, CS, SS, DS, FS, GS, LDTR, TR by <see cref="SegmentIndex"/>.</summary>
    public SegmentArray Segments;

    /// <summary>GDTR base.</summary>
    public ulong GdtBase;

    /// <summary>IDTR base.</summary>
    public ulong IdtBase;

    /// <summary>GDTR limit.</summary>
    public uint GdtLimit;

    /// <summary>IDTR limit.</summary>
    public uint IdtLimit;

    /// <summary>CR0.</summary>
    public ulong Cr0;

    /// <summary>CR2.</summary>
    public ulong Cr2;

    /// <summary>CR3.</summary>
    public ulong Cr3;

    /// <summary>CR4.</summary>
    public ulong Cr4;

    /// <summary>IA32_EFER.</summary>
    public ulong Efer;

    /// <summary>XCR0.</summary>
    public ulong Xcr0;

    /// <summary>DR0-DR3.</summary>
    public fixed ulong Dr[4];

    /// <summary>DR6.</summary>
    public ulong Dr6;

    /// <summary>DR7.</summary>
    public ulong Dr7;

    /// <summary>IA32_STAR.</summary>
    public ulong Star;

    /// <summary>IA32_LSTAR.</summary>
    public ulong Lstar;

    /// <summary>IA32_CSTAR.</summary>
    public ulong Cstar;

    /// <summary>IA32_FMASK.</summary>
    public ulong Sfmask;

    /// <summary>IA32_KERNEL_GS_BASE.</summary>
    public ulong KernelGsBase;

    /// <summary>IA32_SYSENTER_CS.</summary>
    public ulong SysenterCs;

    /// <summary>IA32_SYSENTER_ESP.</summary>
    public ulong SysenterEsp;

    /// <summary>IA32_SYSENTER_EIP.</summary>
    public ulong SysenterEip;

    /// <summary>IA32_PAT.</summary>
    public ulong Pat;

    /// <summary>IA32_TSC_AUX.</summary>
    public ulong TscAux;

    /// <summary>Added to the host's TSC to give the guest's (IA32_TSC_ADJUST included).</summary>
    public ulong TscOffset;

    /// <summary>IA32_TSC_ADJUST as the guest last saw it.</summary>
    public ulong TscAdjust;

    /// <summary>IA32_MISC_ENABLE.</summary>
    public ulong MiscEnable;

    /// <summary>IA32_SPEC_CTRL.</summary>
    public ulong SpecCtrl;

    /// <summary>MXCSR.</summary>
    public uint Mxcsr;

    /// <summary>Non-zero for one instruction after STI, MOV SS and POP SS (1: STI, 2: MOV SS).</summary>
    public byte InterruptShadow;

    /// <summary>Non-zero while NMIs are blocked (from delivery to IRET).</summary>
    public byte NmiBlocked;

    /// <summary>Non-zero while an NMI waits.</summary>
    public byte NmiPending;

    /// <summary>What the vCPU waits for: see <see cref="ActivityState"/>.</summary>
    public byte Activity;

    /// <summary>YMM0-YMM15, 32 bytes each, 32-byte aligned.</summary>
    public YmmArray Ymm;

    /// <summary>The x87/MMX state as FXSAVE64 writes it (first 160 bytes count); valid after <c>IFpuState.Save</c>.</summary>
    public fixed byte X87[512];

    /// <summary>The current privilege level: the DPL of SS.</summary>
    public readonly int Cpl => Segments[(int)SegmentIndex.Ss].Dpl;

    /// <summary>Whether IA-32e mode is active.</summary>
    public readonly bool LongMode => (Efer & X86.State.Efer.Lma) != 0;

    /// <summary>Whether the current code is 64-bit.</summary>
    public readonly bool Code64 => LongMode && Segments[(int)SegmentIndex.Cs].Long;

    /// <summary>16, 32 or 64: the mode code is decoded in.</summary>
    public readonly int CodeBits => Code64 ? 64 : Segments[(int)SegmentIndex.Cs].Big ? 32 : 16;

    /// <summary>Eight segment registers.</summary>
    [InlineArray(8)]
    public struct SegmentArray
    {
        private Segment _first;
    }

    /// <summary>Sixteen vector registers of 32 bytes.</summary>
    [InlineArray(512)]
    public struct YmmArray
    {
        private byte _first;
    }
}
