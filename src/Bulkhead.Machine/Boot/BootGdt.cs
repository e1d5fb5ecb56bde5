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

    private const ulong Code64 = 0x00AF_9B00_0000_FFFF;
    private const ulong Code32 = 0x00CF_9B00_0000_FFFF;
    private const ulong Data = 0x00CF_9300_0000_FFFF;

    /// <summary>Writes the table for a start in 64-bit or in 32-bit code.</summary>
    internal static void Write(GuestMemory memory, bool code64)
    {
        ulong tssLow = (TssSizeBytes - 1) | (BootLayout.Tss << 16) | (0x8Bul << 40);
        LoaderWriter.UInt64(memory, BootLayout.Gdt, 0);
        LoaderWriter.UInt64(memory, BootLayout.Gdt + 8, 0);
        LoaderWriter.UInt64(memory, BootLayout.Gdt + CodeSelector, code64 ? Code64 : Code32);
        LoaderWriter.UInt64(memory, BootLayout.Gdt + DataSelector, Data);
        LoaderWriter.UInt64(memory, BootLayout.Gdt + TssSelector, tssLow);
        LoaderWriter.UInt64(memory, BootLayout.Gdt + TssSelector + 8, 0);
        LoaderWriter.Zero(memory, BootLayout.Tss, TssSizeBytes);
    }
}
