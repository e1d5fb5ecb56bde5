namespace Bulkhead.X86.State;

/// <summary>Bits of CR4.</summary>
public static class Cr4
{
#pragma warning disable CS1591 // The manual's names say it all: Intel SDM Vol. 3A, 2.5 Control Registers.
    public const ulong VME = 1, PVI = 2, TSD = 4, DE = 8, PSE = 16, PAE = 32, MCE = 64, PGE = 128, PCE = 256, OSFXSR = 512, OSXMMEXCPT = 1024,
        UMIP = 2048, LA57 = 4096, VMXE = 8192, FSGSBASE = 1 << 16, PCIDE = 1 << 17, OSXSAVE = 1 << 18, SMEP = 1 << 20, SMAP = 1 << 21, PKE = 1 << 22;
#pragma warning restore CS1591
}
