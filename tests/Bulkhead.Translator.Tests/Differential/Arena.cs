namespace Bulkhead.Translator.Tests.Differential;

/// <summary>The one address layout that native and translated runs share, so that results compare byte by byte.</summary>
/// <remarks>
/// <code>
/// 1FFF_F000  nothing
/// 2000_0000  two pages, readable and writable      Case.Memory[0..2000h)
/// 2000_2000  nothing
/// 2001_0000  one page, readable only               Case.Memory[2000h..3000h)
/// 2001_1000  nothing
/// 2010_0000  code: the instruction, or a few, stand here
/// </code>
/// Below 2 GiB, so that absolute and 32-bit addresses reach it.
/// </remarks>
internal static class Arena
{
    internal const ulong Data = 0x2000_0000;
    internal const int DataBytes = 0x2000;
    internal const ulong ReadOnly = 0x2001_0000;
    internal const int ReadOnlyBytes = 0x1000;
    internal const int MemoryBytes = DataBytes + ReadOnlyBytes;
    internal const ulong Code = 0x2010_0000;
    internal const int CodeBytes = 0x100;
}
