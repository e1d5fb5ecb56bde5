namespace Bulkhead.X86.State;

/// <summary>Bits of CR0.</summary>
public static class Cr0
{
#pragma warning disable CS1591 // The manual's names say it all: Intel SDM Vol. 3A, 2.5 Control Registers.
    public const ulong PE = 1, MP = 2, EM = 4, TS = 8, ET = 16, NE = 32, WP = 1 << 16, AM = 1 << 18, NW = 1 << 29, CD = 1 << 30, PG = 1ul << 31;
#pragma warning restore CS1591
}
