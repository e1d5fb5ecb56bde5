namespace Bulkhead.X86.Segmentation;

/// <summary>An interrupt, trap, call or task gate.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 6.11 IDT Descriptors, 6.14.1 64-Bit Mode IDT, 5.8.3 Call Gates.</remarks>
public readonly record struct Gate(ulong Low, ulong High = 0)
{
    /// <summary>Task gate.</summary>
    public const uint Task = 5;

    /// <summary>16-bit interrupt gate.</summary>
    public const uint Interrupt16 = 6;

    /// <summary>16-bit trap gate.</summary>
    public const uint Trap16 = 7;

    /// <summary>32- or 64-bit interrupt gate.</summary>
    public const uint Interrupt = 14;

    /// <summary>32- or 64-bit trap gate.</summary>
    public const uint Trap = 15;

    /// <summary>The type field, the S bit as bit 4.</summary>
    public uint Type => (uint)(Low >> 40) & 0x1F;

    /// <summary>The gate's privilege level.</summary>
    public int Dpl => (int)(Low >> 45) & 3;

    /// <summary>Present.</summary>
    public bool Present => (Low & (1ul << 47)) != 0;

    /// <summary>The target's selector.</summary>
    public ushort Selector => (ushort)(Low >> 16);

    /// <summary>The interrupt stack table index (64-bit).</summary>
    public int Ist => (int)(Low >> 32) & 7;

    /// <summary>The target's offset; the upper half is zero for 32-bit gates.</summary>
    public ulong Offset => (Low & 0xFFFF) | ((Low >> 32) & 0xFFFF_0000) | (High << 32);

    /// <summary>The target's offset in a 16-bit gate.</summary>
    public ulong Offset16 => Low & 0xFFFF;
}
