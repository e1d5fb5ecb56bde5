using System.Runtime.InteropServices;

namespace Bulkhead.Host.Memory;

/// <summary>Memory for emitted code: one memfd seen through a writable and an executable mapping, never both at once.</summary>
/// <remarks>The creator disposes it, after the last thread has left the code.</remarks>
public sealed unsafe class ExecutableMemory : IDisposable
{
    private readonly nuint _size;
    private void* _writable;
    private void* _executable;
    private int _fd;

    private ExecutableMemory(int fd, void* writable, void* executable, nuint size)
    {
        _fd = fd;
        _writable = writable;
        _executable = executable;
        _size = size;
    }

    /// <summary>The mapping to write through.</summary>
    public byte* Writable => (byte*)_writable;

    /// <summary>The same bytes, to execute.</summary>
    public byte* Executable => (byte*)_executable;

    /// <summary>Bytes in each mapping.</summary>
    public ulong SizeBytes => _size;

    /// <summary>Creates <paramref name="sizeBytes"/> bytes; with a non-zero <paramref name="at"/> the executable mapping
    /// is placed exactly there, over a reservation of the caller's.</summary>
    public static ExecutableMemory Create(string name, ulong sizeBytes, nint at = 0)
    {
        int fd = Libc.MemfdCreate(name, Libc.MfdCloexec);
        if (fd < 0 || Libc.Ftruncate(fd, (long)sizeBytes) != 0)
        {
            throw new OperatorException($"The host refused {sizeBytes >> 10} KiB for translated code: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }

        void* w = Libc.Mmap(null, (nuint)sizeBytes, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared, fd, 0);
        void* x = Libc.Mmap((void*)at, (nuint)sizeBytes, Libc.ProtRead | Libc.ProtExec, Libc.MapShared | (at != 0 ? Libc.MapFixed : 0), fd, 0);
        if (w == (void*)-1 || x == (void*)-1)
        {
            throw new OperatorException($"The host refused an executable mapping: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }

        return new ExecutableMemory(fd, w, x, (nuint)sizeBytes);
    }

    /// <summary>Brings pages into the writable mapping that are written next.</summary>
    public void Load(int from, int length) => Libc.Populate((byte*)_writable + from, (nuint)length);

    /// <summary>Takes pages out of the writable mapping, where they would count twice; their bytes stay, and a write brings a page
    /// back.</summary>
    public void Unload(int from, int length) => _ = Libc.TryDrop((byte*)_writable + from, (nuint)length);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_writable is not null)
        {
            _ = Libc.Munmap(_writable, _size);
            _ = Libc.Munmap(_executable, _size);
            _ = Libc.Close(_fd);
            _writable = null;
            _executable = null;
            _fd = -1;
        }
    }
}
