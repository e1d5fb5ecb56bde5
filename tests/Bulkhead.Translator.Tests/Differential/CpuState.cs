using System.Runtime.InteropServices;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>The user-visible registers, at offsets the native trampoline relies on.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CpuState
{
    internal const int RflagsOffset = 128;
    internal const int MxcsrOffset = 136;
    internal const int YmmOffset = 160;
    internal const int X87Offset = 704;
    internal const int Bytes = 1216;

    /// <summary>The status flags and DF.</summary>
    internal const ulong FlagsMask = 0xCD5;

    internal fixed ulong Gpr[16];
    internal ulong Rflags;
    internal ulong Mxcsr;
    private fixed ulong _pad0[2];
    internal fixed byte Ymm[512];
    private fixed byte _pad1[32];

    /// <summary>As FXSAVE64 writes it; the first 160 bytes but FOP, FIP and FDP count.</summary>
    internal fixed byte X87[512];
}
