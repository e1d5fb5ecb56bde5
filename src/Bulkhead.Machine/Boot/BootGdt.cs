using Bulkhead.Core.Memory;

namespace Bulkhead.Machine.Boot;

/// <summary>The descriptor table and TSS a guest starts on.</summary>
/// <remarks><i>Source</i>: Linux x86 boot protocol, 64-bit Boot Protocol (__BOOT_CS 10H, __BOOT_DS 18H); Intel SDM
/// Vol. 3A, 3.4.5 Segment Descriptors.</remarks>
internal static class BootGdt
{
    internal const ushort CodeSelector = 0x10;
    internal const ushort DataSelector = 0x18;
    internal const ushort TssSelector = 0x20;
    internal const uint SizeBytes = 48;
    internal const uint TssSizeBytes = 0x68;

    /// <summary>Where the TSS stands behind the table's start.</summary>
    internal const uint TssOffset = 0x100;

    private const ulong Code64 = 0x00AF_9B00_0000_FFFF;
    private const ulong Code32 = 0x00CF_9B00_0000_FFFF;
    private const ulong Data = 0x00CF_9300_0000_FFFF;

    /// <summary>Writes table and TSS for a start in 64-bit or in 32-bit code.</summary>
    internal static void Write(GuestMemory memory, ulong at, bool code64)
    {
        ulong tss = at + TssOffset;
        ulong tssLow = (TssSizeBytes - 1) | ((tss & 0xFF_FFFF) << 16) | (0x8Bul << 40) | ((tss >> 24) << 56);
        LoaderWriter.UInt64(memory, at, 0);
        LoaderWriter.UInt64(memory, at + 8, 0);
        LoaderWriter.UInt64(memory, at + CodeSelector, code64 ? Code64 : Code32);
        LoaderWriter.UInt64(memory, at + DataSelector, Data);
        LoaderWriter.UInt64(memory, at + TssSelector, tssLow);
        LoaderWriter.UInt64(memory, at + TssSelector + 8, 0);
        LoaderWriter.Zero(memory, tss, TssSizeBytes);
    }
}
