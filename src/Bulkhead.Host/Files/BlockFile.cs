using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Files;

/// <summary>A file or block device that is read and written at offsets, by one writer or several readers.</summary>
/// <remarks>
/// <i>Errors</i>: opening throws <see cref="OperatorException"/>; afterwards every call returns an error number,
/// <see cref="Errno.None"/> where it succeeded. A sync that failed once fails for ever: the kernel forgets what it could not write.
/// <para><i>Threading</i>: every member but <see cref="Dispose"/> may be called on any thread, several at once. The creator
/// disposes it.</para>
/// </remarks>
public sealed unsafe partial class BlockFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly int _fd;
    private readonly DirectIo? _direct;
    private long _length;
    private volatile int _syncError;
    private volatile bool _noPunch;
    private volatile bool _noZeroRange;

    private BlockFile(SafeFileHandle handle, string path, bool readOnly, bool isDevice, int directAlignment)
    {
        _handle = handle;
        _fd = (int)handle.DangerousGetHandle();
        Path = path;
        ReadOnly = readOnly;
        IsDevice = isDevice;
        _direct = directAlignment == 0 ? null : new DirectIo(directAlignment);
        _length = FileCalls.Seek(_fd, 0, FileCalls.SeekEnd);
    }

    /// <summary>The path it was opened by.</summary>
    public string Path { get; }

    /// <summary>Whether it was opened to be read only.</summary>
    public bool ReadOnly { get; }

    /// <summary>Whether it is a block device, whose length is fixed.</summary>
    public bool IsDevice { get; }

    /// <summary>The unit of transfers past the page cache, in bytes; 1 where they go through it.</summary>
    public int AlignmentBytes => _direct?.AlignmentBytes ?? 1;

    /// <summary>The length in bytes.</summary>
    public long LengthBytes => Volatile.Read(ref _length);

    /// <summary>The storage it takes on the host, in bytes; 0 for a device.</summary>
    public long AllocatedBytes => TryStat(_fd, out FileCalls.FileStatus status) ? (long)status.Blocks512 * 512 : 0;

    /// <summary>Opens what is there.</summary>
    /// <param name="path">The file or block device.</param>
    /// <param name="readOnly">Whether it is to be read only.</param>
    /// <param name="direct">Whether transfers pass the page cache by.</param>
    /// <param name="locked">Whether others are kept from writing it, and out of it where it is to be written.</param>
    public static BlockFile Open(string path, bool readOnly, bool direct = false, bool locked = true)
    {
        ArgumentNullException.ThrowIfNull(path);
        int flags = FileCalls.OpenCloexec | (readOnly ? FileCalls.OpenReadOnly : FileCalls.OpenReadWrite);
        int fd = FileCalls.Open(path, flags, 0);
        if (fd < 0)
        {
            throw OpenFailed(path, readOnly, Marshal.GetLastPInvokeError());
        }

        var handle = new SafeFileHandle(fd, ownsHandle: true);
        try
        {
            if (!TryStat(fd, out FileCalls.FileStatus status))
            {
                throw new OperatorException($"{path} cannot be looked at: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
            }

            if (!status.IsRegular && !status.IsBlockDevice)
            {
                throw new OperatorException($"{path} is neither a file nor a block device; give the path of a disk image.");
            }

            if (direct || (status.IsBlockDevice && !readOnly))
            {
                handle.Dispose();
                handle = Reopen(path, flags, direct, status.IsBlockDevice && !readOnly);
            }

            if (locked)
            {
                ImageLock.Take((int)handle.DangerousGetHandle(), path, readOnly);
            }

            return new BlockFile(handle, path, readOnly, status.IsBlockDevice, direct ? AlignmentOf((int)handle.DangerousGetHandle()) : 0);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Refuses a path at which something stands, or nothing can be made.</summary>
    public static void ThrowIfNotNew(string path)
    {
        if (System.IO.Path.Exists(path))
        {
            throw new OperatorException($"{path} is there already; remove it or give another name.");
        }

        if (PathFault.OfNew(path) is { } fault)
        {
            throw new OperatorException($"{path}: {fault}; make the folder, or give another path.");
        }
    }

    /// <summary>Creates an empty file; one that is there already is an error.</summary>
    public static BlockFile Create(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        int fd = FileCalls.Open(path, FileCalls.OpenReadWrite | FileCalls.OpenCreate | FileCalls.OpenExclusive | FileCalls.OpenCloexec, FileCalls.OwnerReadWrite);
        if (fd < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            ThrowIfNotNew(path);
            throw OpenFailed(path, readOnly: false, error);
        }

        var handle = new SafeFileHandle(fd, ownsHandle: true);
        try
        {
            ImageLock.Take(fd, path, readOnly: false);
            return new BlockFile(handle, path, readOnly: false, isDevice: false, directAlignment: 0);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Creates a file without a name in a folder: it goes with the process, however that ends.</summary>
    public static BlockFile CreateTemporary(string folder)
    {
        int fd = FileCalls.Open(folder, FileCalls.OpenReadWrite | FileCalls.OpenTemporary | FileCalls.OpenCloexec, FileCalls.OwnerOnly);
        if (fd >= 0)
        {
            return new BlockFile(new SafeFileHandle(fd, ownsHandle: true), folder + "/(unnamed)", readOnly: false, isDevice: false, directAlignment: 0);
        }

        // A file system without unnamed files: a name for a moment.
        string path = System.IO.Path.Combine(folder, ".bulkhead-" + Guid.NewGuid().ToString("N"));
        BlockFile file = Create(path);
        File.Delete(path);
        return file;
    }

    /// <summary>Reads up to the end of the file.</summary>
    /// <param name="offset">Where.</param>
    /// <param name="data">What is read.</param>
    /// <param name="count">How many bytes were read: fewer than asked for only at the end of the file.</param>
    public int Read(long offset, ScatteredBytes data, out int count) => _direct is null ? ReadPlain(offset, data, out count) : _direct.Read(this, offset, data, out count);

    /// <summary>Writes all; the file grows where it ends before.</summary>
    public int Write(long offset, ReadOnlyScatteredBytes data) => _direct is null ? WritePlain(offset, data) : _direct.Write(this, offset, data);

    /// <summary>Brings all that was written, and what it takes to read it again, to stable storage.</summary>
    public int Sync()
    {
        int error = _syncError;
        if (error == Errno.None && (error = Retry(FileCalls.SyncData(_fd))) == Errno.Interrupted)
        {
            return Sync();
        }

        if (error != Errno.None)
        {
            _syncError = error;
        }

        return error;
    }

    /// <summary>Makes a range read as zeros and gives its storage back; <see cref="Errno.NotSupported"/> where the host cannot.</summary>
    public int PunchHole(long offset, long length)
    {
        int error = _noPunch ? Errno.NotSupported : Change(FileCalls.PunchHole | FileCalls.KeepSize, offset, length);
        _noPunch |= error == Errno.NotSupported;
        return error;
    }

    /// <summary>Makes a range of the file read as zeros and keeps storage for it; <see cref="Errno.NotSupported"/> where the host cannot.</summary>
    public int ZeroRange(long offset, long length)
    {
        int error = _noZeroRange ? Errno.NotSupported : Change(FileCalls.ZeroRange | FileCalls.KeepSize, offset, length);
        _noZeroRange |= error == Errno.NotSupported;
        return error;
    }

    /// <summary>Takes storage for a range; the file grows where it ends before.</summary>
    public int Allocate(long offset, long length)
    {
        int error = Change(0, offset, length);
        if (error == Errno.None)
        {
            Grown(offset + length);
        }

        return error;
    }

    /// <summary>Cuts the file, or makes it longer by bytes that read as zeros.</summary>
    public int SetLength(long length)
    {
        int error = Retry(FileCalls.Truncate(_fd, length));
        if (error == Errno.None)
        {
            Volatile.Write(ref _length, length);
        }

        return error;
    }

    /// <summary>Where the data begins that is nearest at or behind an offset, and where it ends; both the file's end where there is none.</summary>
    /// <remarks>Where the host does not know, all is data.</remarks>
    public (long Start, long End) NextData(long offset)
    {
        long length = LengthBytes;
        long start = FileCalls.Seek(_fd, offset, FileCalls.SeekData);
        if (start < 0)
        {
            // ENXIO: nothing but a hole until the end.
            return Marshal.GetLastPInvokeError() == 6 ? (length, length) : (offset, length);
        }

        long end = FileCalls.Seek(_fd, start, FileCalls.SeekHole);
        return (start, end < 0 ? length : end);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_handle.IsClosed)
        {
            ImageLock.Release(_fd);
        }

        _handle.Dispose();
        _direct?.Dispose();
    }

    internal int ReadPlain(long offset, ScatteredBytes data, out int count) => TransferPlain(offset, data, writes: false, out count);

    internal int WritePlain(long offset, ReadOnlyScatteredBytes data)
    {
        int error = TransferPlain(offset, data, writes: true, out int count);
        if (error == Errno.None && count < data.Length)
        {
            error = Errno.NoSpace;
        }

        if (error == Errno.None)
        {
            Grown(offset + count);
        }

        return error;
    }

    /// <summary>Transfers until all was, or nothing more is.</summary>
    private int TransferPlain(long offset, ReadOnlyScatteredBytes data, bool writes, out int count)
    {
        count = 0;
        int most = Math.Min(data.MostRanges, FileCalls.MostRanges);
        MemoryRange* ranges = stackalloc MemoryRange[most];
        fixed (byte* _ = data)
        {
            while (count < data.Length)
            {
                // SAFETY: the ranges are those of the rest of the bytes, which stay where they are (BlockFileTests).
                int described = data[count..].Describe(new Span<MemoryRange>(ranges, most));
                nint n = writes ? FileCalls.WriteAt(_fd, ranges, described, offset + count) : FileCalls.ReadAt(_fd, ranges, described, offset + count);
                if (n == 0)
                {
                    break;
                }

                int error = n < 0 ? Marshal.GetLastPInvokeError() : Errno.None;
                if (error is not (Errno.None or Errno.Interrupted))
                {
                    return error;
                }

                count += Math.Max((int)n, 0);
            }
        }

        return Errno.None;
    }

    private static OperatorException OpenFailed(string path, bool readOnly, int error) => new(error switch
    {
        Errno.NoEntry => $"{path}: there is no such file; give the path of a disk image, or make one with 'bulkhead disk create'.",
        Errno.Access or Errno.NotPermitted when !readOnly => $"{path} may not be written by this user; open it read-only, or change its owner or mode.",
        Errno.Access or Errno.NotPermitted => $"{path} may not be read by this user; change its owner or mode.",
        Errno.ReadOnlyFileSystem => $"{path} stands on a file system that is mounted read-only; open it read-only or copy it elsewhere.",
        Errno.Busy => $"{path} is a device in use by the host (mounted, or part of another device); unmount it first.",
        Errno.IsDirectory => $"{path} is a folder; give the path of a disk image.",
        Errno.Invalid => $"{path} stands on a file system that cannot pass the page cache; use cache=writeback.",
        _ => $"{path} cannot be opened (errno {error}).",
    });

    // The kernel refuses a second exclusive opener of a block device, and one that is mounted.
    private static SafeFileHandle Reopen(string path, int flags, bool direct, bool exclusive)
    {
        int fd = FileCalls.Open(path, flags | (direct ? FileCalls.OpenDirect : 0) | (exclusive ? FileCalls.OpenExclusive : 0), 0);
        return fd < 0 ? throw OpenFailed(path, readOnly: false, Marshal.GetLastPInvokeError()) : new SafeFileHandle(fd, ownsHandle: true);
    }

    private static bool TryStat(int fd, out FileCalls.FileStatus status)
    {
        fixed (FileCalls.FileStatus* to = &status)
        {
            // SAFETY: the kernel writes the 256 bytes of the structure (BlockFileTests).
            return FileCalls.Stat(fd, string.Empty, FileCalls.EmptyPath, FileCalls.StatBasic | FileCalls.StatDirectAlignment, to) == 0;
        }
    }

    // Linux before 6.1 does not say; a page is enough everywhere.
    private static int AlignmentOf(int fd)
    {
        int alignment = TryStat(fd, out FileCalls.FileStatus status) ? (int)Math.Max(status.DirectMemoryAlignment, status.DirectOffsetAlignment) : 0;
        return alignment is >= 512 and <= 4096 && (alignment & (alignment - 1)) == 0 ? alignment : 4096;
    }

    private static int Retry(int result) => result == 0 ? Errno.None : Marshal.GetLastPInvokeError();

    private int Change(int mode, long offset, long length)
    {
        int error;
        do
        {
            error = Retry(FileCalls.Allocate(_fd, mode, offset, length));
        }
        while (error == Errno.Interrupted);

        return error is Errno.NoSuchCall ? Errno.NotSupported : error;
    }

    private void Grown(long end)
    {
        long length = Volatile.Read(ref _length);
        while (end > length)
        {
            long seen = Interlocked.CompareExchange(ref _length, end, length);
            if (seen == length)
            {
                return;
            }

            length = seen;
        }
    }
}
