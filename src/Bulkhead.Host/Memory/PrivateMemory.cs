using System.Runtime.InteropServices;

namespace Bulkhead.Host.Memory;

/// <summary>Zeroed, page-aligned native memory private to the process: vCPU state, tables of the engine, return stacks;
/// the pages before and after it cannot be touched.</summary>
/// <remarks>The creator disposes it, or retires it.</remarks>
public sealed unsafe class PrivateMemory : IDisposable
{
    private readonly nuint _size;
    private byte* _pointer;

    /// <summary>Maps <paramref name="sizeBytes"/> bytes; host pages are taken at first touch.</summary>
    public PrivateMemory(ulong sizeBytes)
    {
        _size = (nuint)sizeBytes;
        byte* p = GuardedRange.Map(_size, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1);
        if (p is null)
        {
            throw new OperatorException($"The host could not map {sizeBytes >> 10} KiB of memory: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }

        _pointer = p;
    }

    /// <summary>Gives the addresses back of what was retired.</summary>
    ~PrivateMemory() => Unmap();

    /// <summary>The first byte, page aligned.</summary>
    public byte* Pointer => _pointer;

    /// <summary>The size in bytes.</summary>
    public ulong SizeBytes => _size;

    /// <summary>Takes all pages from the host, for what is written whole.</summary>
    public void Populate() => Libc.Populate(_pointer, _size);

    /// <summary>Zeroes all and gives the host its pages back.</summary>
    public void Clear()
    {
        if (!Libc.TryDrop(_pointer, _size))
        {
            // SAFETY: the mapping is this long (PrivateMemoryTests).
            NativeMemory.Clear(_pointer, _size);
        }
    }

    /// <summary>The end of memory that other threads may still write a last word to: gives the host its pages back now, and the
    /// addresses when nobody holds this object any more.</summary>
    public void Retire()
    {
        if (_pointer is not null)
        {
            Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unmap();
        GC.SuppressFinalize(this);
    }

    private void Unmap()
    {
        if (_pointer is not null)
        {
            GuardedRange.Unmap(_pointer, _size);
            _pointer = null;
        }
    }
}
