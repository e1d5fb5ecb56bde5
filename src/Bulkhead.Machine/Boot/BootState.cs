using Bulkhead.X86.State;

namespace Bulkhead.Machine.Boot;

/// <summary>The registers a loader wants the boot processor to start with; the rest is as after power-up.</summary>
internal sealed record BootState
{
    /// <summary>The first instruction.</summary>
    internal required ulong Rip { get; init; }

    /// <summary>RAX (Multiboot: the boot loader's magic number).</summary>
    internal ulong Rax { get; init; }

    /// <summary>RBX (PVH: the start info; Multiboot: the information).</summary>
    internal ulong Rbx { get; init; }

    /// <summary>RSI (Linux: the zero page).</summary>
    internal ulong Rsi { get; init; }

    /// <summary>CR0.</summary>
    internal required ulong Cr0 { get; init; }

    /// <summary>CR3.</summary>
    internal ulong Cr3 { get; init; }

    /// <summary>CR4.</summary>
    internal ulong Cr4 { get; init; }

    /// <summary>IA32_EFER.</summary>
    internal ulong Efer { get; init; }

    /// <summary>Whether CS is a 64-bit code segment rather than a flat 32-bit one.</summary>
    internal bool Code64 { get; init; }

    /// <summary>Where the descriptor table stands (<see cref="BootGdt.Write"/>).</summary>
    internal ulong Gdt { get; init; } = BootLayout.Gdt;

    private const int Rax_ = 0;
    private const int Rbx_ = 3;
    private const int Rsi_ = 6;

    /// <summary>Puts the state into registers that were just reset.</summary>
    internal unsafe void Apply(ref Registers r)
    {
        // SAFETY: the indices are constants below 16 (LoaderTests).
        for (int i = 0; i < 16; i++)
        {
            r.Gpr[i] = 0;
        }

        r.Gpr[Rax_] = Rax;
        r.Gpr[Rbx_] = Rbx;
        r.Gpr[Rsi_] = Rsi;
        r.Rip = Rip;
        r.Rflags = Rflags.Fixed;
        r.Cr0 = Cr0;
        r.Cr3 = Cr3;
        r.Cr4 = Cr4;
        r.Efer = Efer;
        r.GdtBase = Gdt;
        r.GdtLimit = BootGdt.SizeBytes - 1;
        r.IdtBase = 0;
        r.IdtLimit = 0;
        r.Activity = (byte)ActivityState.Active;

        Segment data = Flat(BootGdt.DataSelector, 0xC093);
        r.Segments[(int)SegmentIndex.Es] = data;
        r.Segments[(int)SegmentIndex.Ss] = data;
        r.Segments[(int)SegmentIndex.Ds] = data;
        r.Segments[(int)SegmentIndex.Fs] = data;
        r.Segments[(int)SegmentIndex.Gs] = data;
        r.Segments[(int)SegmentIndex.Cs] = Flat(BootGdt.CodeSelector, Code64 ? 0xA09Bu : 0xC09Bu);
        r.Segments[(int)SegmentIndex.Tr] = new Segment
        {
            Base = Gdt + BootGdt.TssOffset, Limit = BootGdt.TssSizeBytes - 1, Access = 0x8B, Selector = BootGdt.TssSelector,
        };
        r.Segments[(int)SegmentIndex.Ldtr] = new Segment { Access = 0x1_0000 };
    }

    private static Segment Flat(ushort selector, uint access) =>
        new() { Base = 0, Limit = 0xFFFF_FFFF, Access = access, Selector = selector };
}
