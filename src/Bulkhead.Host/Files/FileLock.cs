using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Files;

/// <summary>An exclusive advisory lock between processes, held on a file of its own.</summary>
/// <remarks>
/// The kernel drops the lock when the process ends, however it ends; the file itself stays.
/// <para><i>Threading</i>: the creator disposes it, on any thread.</para>
/// </remarks>
public sealed partial class FileLock : IDisposable
{
    private const int OpenReadWrite = 2;
    private const int OpenCreate = 0x40;
    private const int OpenCloexec = 0x80000;
    private const uint OwnerReadWrite = 0x1a4;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int LockNone = 8;
    private const int ErrnoInterrupted = 4;
    private const int ErrnoWouldBlock = 11;

    private readonly SafeFileHandle _file;

    private FileLock(SafeFileHandle file) => _file = file;

    /// <summary>Takes the lock, waiting for another holder; <paramref name="waiting"/> is called once before a wait.</summary>
    public static FileLock Acquire(string path, Action waiting)
    {
        ArgumentNullException.ThrowIfNull(waiting);

        // The class library's own open takes a lock of the same kind, and would refuse where we want to wait.
        int fd = Open(path, OpenReadWrite | OpenCreate | OpenCloexec, OwnerReadWrite);
        if (fd < 0)
        {
            throw new OperatorException($"The lock file {path} cannot be opened (errno {Marshal.GetLastPInvokeError()}); its folder must be writable.");
        }

        var file = new SafeFileHandle(fd, ownsHandle: true);
        if (!TryLock(fd, LockExclusive | LockNonBlocking))
        {
            waiting();
            _ = TryLock(fd, LockExclusive);
        }

        return new FileLock(file);
    }

    /// <inheritdoc/>
    /// <remarks>Closing alone would leave the lock to a child process that was forked and has not executed its program yet.</remarks>
    public void Dispose()
    {
        if (!_file.IsClosed)
        {
            _ = TryLock((int)_file.DangerousGetHandle(), LockNone);
        }

        _file.Dispose();
    }

    private static bool TryLock(int fd, int operation)
    {
        while (Flock(fd, operation) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno == ErrnoWouldBlock)
            {
                return false;
            }

            if (errno != ErrnoInterrupted)
            {
                throw new OperatorException($"The host refused a file lock (errno {errno}); the cache must stand on a file system with flock.");
            }
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(int fd, int operation);
}
