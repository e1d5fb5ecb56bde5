using System.Runtime.InteropServices;

namespace Bulkhead.Host.Memory;

/// <summary>A memfd mapped read-write and shared: guest RAM, or anything two mappings must see.</summary>
/// <remarks>The creator disposes it; nobody may use <see cref="Pointer"/> after that.</remarks>
public sealed unsafe class SharedMemory : IDisposable
{
    private readonly nuint _size;
    private byte* _pointer;
    private int _fd;

    private SharedMemory(int fd, byte* pointer, nuint size)
    {
        _fd = fd;
        _pointer = pointer;
        _size = size;
    }

    /// <summary>The first byte of the mapping, page aligned.</summary>
    public byte* Pointer => _pointer;

    /// <summary>The size of the mapping in bytes, with what follows it.</summary>
    public ulong SizeBytes => _size;

    /// <summary>The memfd behind the mapping; owned by this object.</summary>
    public int FileDescriptor => _fd;

    /// <summary>Creates zeroed memory of <paramref name="sizeBytes"/> bytes; host pages are taken at first touch.</summary>
    /// <param name="name">A name for whoever looks at the process.</param>
    /// <param name="sizeBytes">Its size.</param>
    /// <param name="behind">Other memory that follows it in the mapping, in whole pages, and whether it may only be read there.</param>
    public static SharedMemory Create(string name, ulong sizeBytes, params ReadOnlySpan<(SharedMemory Memory, bool ReadOnly)> behind)
    {
        int fd = Libc.MemfdCreate(name, Libc.MfdCloexec);
        if (fd < 0)
        {
            throw new OperatorException($"The host refused shared memory: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }

        if (Libc.Ftruncate(fd, (long)sizeBytes) != 0)
        {
            _ = Libc.Close(fd);
            throw new OperatorException($"The host refused {sizeBytes >> 20} MiB of shared memory: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }

        ulong all = sizeBytes;
        foreach ((SharedMemory memory, _) in behind)
        {
            all += memory.SizeBytes;
        }

        byte* p = GuardedRange.Map((nuint)all, Libc.MapShared | Libc.MapNoReserve, fd);
        if (p is not null && !TryMapBehind(p + sizeBytes, behind))
        {
            GuardedRange.Unmap(p, (nuint)all);
            p = null;
        }

        if (p is null)
        {
            _ = Libc.Close(fd);
            throw new OperatorException($"The host could not map {sizeBytes >> 20} MiB of memory: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }

        return new SharedMemory(fd, p, (nuint)all);
    }

    /// <summary>Creates memory that holds these bytes and no more; a multiple of 4096.</summary>
    public static SharedMemory Of(string name, ReadOnlySpan<byte> bytes)
    {
        SharedMemory memory = Create(name, (ulong)bytes.Length);

        // SAFETY: the mapping has that many bytes (SharedMemoryTests).
        bytes.CopyTo(new Span<byte>(memory._pointer, bytes.Length));
        return memory;
    }

    /// <summary>Takes pages from the host for a range that is written next: one call in place of a fault for each.</summary>
    public void Populate(ulong offset, ulong length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, _size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _size - offset);
        Libc.Populate(_pointer + offset, (nuint)length);
    }

    /// <summary>Gives whole pages back to the host; they read as zeros until they are written again. False: the host would not.</summary>
    public bool TryDiscard(ulong offset, ulong length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, _size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _size - offset);

        // By the file, not by the mapping, whose pages may be locked.
        return Libc.Fallocate(_fd, Libc.PunchHoleKeepSize, (long)offset, (long)length) == 0;
    }

    private static bool TryMapBehind(byte* at, ReadOnlySpan<(SharedMemory Memory, bool ReadOnly)> behind)
    {
        foreach ((SharedMemory memory, bool readOnly) in behind)
        {
            int protection = readOnly ? Libc.ProtRead : Libc.ProtRead | Libc.ProtWrite;

            // SAFETY: it lies in the range that was just mapped for it.
            if (Libc.Mmap(at, memory._size, protection, Libc.MapShared | Libc.MapNoReserve | Libc.MapFixed, memory._fd, 0) == (void*)-1)
            {
                return false;
            }

            at += memory._size;
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_pointer is not null)
        {
            GuardedRange.Unmap(_pointer, _size);
            _ = Libc.Close(_fd);
            _pointer = null;
            _fd = -1;
        }
    }
}
