namespace Bulkhead.X86.State;

/// <summary>Bits of IA32_EFER.</summary>
public static class Efer
{
#pragma warning disable CS1591 // The manual's names say it all: Intel SDM Vol. 3A, 2.2.1 Extended Feature Enable Register.
    public const ulong SCE = 1, LME = 1 << 8, Lma = 1 << 10, NXE = 1 << 11;
#pragma warning restore CS1591
}
