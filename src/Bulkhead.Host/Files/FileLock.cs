using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files;

/// <summary>An exclusive advisory lock between processes, held on a file of its own.</summary>
/// <remarks>
/// The kernel drops the lock when the process ends, however it ends; the file itself stays.
/// <para><i>Threading</i>: the creator disposes it, on any thread.</para>
/// </remarks>
public sealed partial class FileLock : IDisposable
{
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int ErrnoInterrupted = 4;
    private const int ErrnoWouldBlock = 11;

    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, waiting for another holder; <paramref name="waiting"/> is called once before a wait.</summary>
    public static FileLock Acquire(string path, Action waiting)
    {
        ArgumentNullException.ThrowIfNull(waiting);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The lock file {path} cannot be opened: {e.Message}", e);
        }

        int fd = (int)file.SafeFileHandle.DangerousGetHandle();
        if (!TryLock(fd, LockExclusive | LockNonBlocking))
        {
            waiting();
            _ = TryLock(fd, LockExclusive);
        }

        return new FileLock(file);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

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

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(int fd, int operation);
}
