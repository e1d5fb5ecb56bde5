using System.Runtime.CompilerServices;

namespace Bulkhead.X86.Memory;

/// <summary>Canonical addresses of 4-level paging.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 1, 3.3.7.1 Canonical Addressing.</remarks>
public static class Canonical
{
    /// <summary>Whether bits 63-47 of an address are all equal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Is(ulong address) => (ulong)((long)(address << 16) >> 16) == address;
}
