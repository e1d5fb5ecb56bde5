using System.Runtime.InteropServices;

namespace Bulkhead.Host.Memory;

/// <summary>Four gigabytes of address space in which pages of shared memory appear a second time, wherever they are wanted.</summary>
/// <remarks>Nothing can be touched where nothing was mirrored. The creator disposes it. <i>Threading</i>: the owner's.
/// <i>Cost</i>: a system call to mirror, 1-10 microseconds, and a fault at the first touch of each host page.</remarks>
public sealed unsafe class MemoryWindow : IDisposable
{
    private const int Fixed = 3; // MREMAP_MAYMOVE | MREMAP_FIXED
    private byte* _pointer;

    private MemoryWindow(byte* pointer) => _pointer = pointer;

    /// <summary>The size in bytes: what 32 bits address.</summary>
    public static ulong SizeBytes => 1ul << 32;

    /// <summary>The first byte.</summary>
    public byte* Pointer => _pointer;

    /// <summary>Reserves a window; null where the host has no room.</summary>
    public static MemoryWindow? TryCreate()
    {
        byte* p = GuardedRange.Map((nuint)SizeBytes, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1, Libc.ProtNone);
        return p is null ? null : new MemoryWindow(p);
    }

    /// <summary>Has <paramref name="bytes"/> bytes at <paramref name="source"/>, part of a <see cref="SharedMemory"/>, appear at an offset of
    /// the window too, instead of what was there. False: the host has no more mappings to give.</summary>
    public bool TryMirror(uint offset, byte* source, uint bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)offset + bytes, SizeBytes);
        return Libc.Mremap(source, 0, bytes, Fixed, _pointer + offset) != (void*)-1; // of no old bytes: a second mapping
    }

    /// <summary>Empties the window.</summary>
    public void Clear() =>
        _ = Libc.Mmap(_pointer, (nuint)SizeBytes, Libc.ProtNone, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve | Libc.MapFixed, -1, 0);

    /// <summary>So many mappings may a process have.</summary>
    /// <remarks><i>Source</i>: Linux, Documentation/admin-guide/sysctl/vm.rst, max_map_count.</remarks>
    public static int MostMappings()
    {
        try
        {
            return int.Parse(File.ReadAllText("/proc/sys/vm/max_map_count"), System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            return 65530; // Linux's own
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_pointer is not null)
        {
            GuardedRange.Unmap(_pointer, (nuint)SizeBytes);
            _pointer = null;
        }
    }
}
