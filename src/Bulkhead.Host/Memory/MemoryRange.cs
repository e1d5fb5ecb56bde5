using System.Runtime.InteropServices;

namespace Bulkhead.Host.Memory;

/// <summary>A stretch of memory that does not move: a part of guest RAM, for calls of the kernel that take many at once.</summary>
/// <remarks><i>Shape</i>: struct iovec. Whoever makes one keeps the memory longer.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly unsafe struct MemoryRange(byte* start, int length)
{
    private readonly byte* _start = start;
    private readonly nuint _length = (nuint)length;

    /// <summary>How many bytes.</summary>
    public int Length => (int)_length;

    // SAFETY: the memory has that many bytes, as whoever made it said (ScatteredBytesTests).
    internal Span<byte> Span => new(_start, Length);

    internal bool IsAligned(int bytes) => (((nuint)_start | _length) & (nuint)(bytes - 1)) == 0;

    internal MemoryRange Slice(int start, int length) => new(_start + start, length);
}
