namespace Bulkhead.X86.State;

/// <summary>Bits of RFLAGS.</summary>
public static class Rflags
{
#pragma warning disable CS1591 // The manual's names say it all: Intel SDM Vol. 1, 3.4.3 EFLAGS Register.
    public const ulong CF = 1, Fixed = 2, PF = 4, AF = 16, ZF = 64, SF = 128, TF = 256, IF = 512, DF = 1024, OF = 2048, IOPL = 0x3000,
        NT = 1 << 14, RF = 1 << 16, VM = 1 << 17, AC = 1 << 18, VIF = 1 << 19, VIP = 1 << 20, ID = 1 << 21;

    public const ulong Status = CF | PF | AF | ZF | SF | OF;
#pragma warning restore CS1591
}
