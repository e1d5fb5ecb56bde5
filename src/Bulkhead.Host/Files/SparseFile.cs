using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Files;

/// <summary>Copies files that are mostly holes, such as disks.</summary>
public static partial class SparseFile
{
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const int ErrnoNoSuchAddress = 6;
    private const nuint CloneRequest = 0x40049409;
    private const int BufferSize = 1 << 20;

    /// <summary>Copies a file that is not written meanwhile to one that is not there; holes stay holes.</summary>
    /// <remarks>
    /// <i>Cost</i>: where the file system can share blocks between files, next to nothing; else the data.
    /// <para><i>Errors</i>: an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</para>
    /// <para><i>Source</i>: Linux man-pages, lseek(2), "Seeking file data and holes"; ioctl_ficlone(2).</para>
    /// </remarks>
    public static void Copy(string from, string to)
    {
        using SafeFileHandle source = File.OpenHandle(from);
        using SafeFileHandle target = File.OpenHandle(to, FileMode.CreateNew, FileAccess.ReadWrite);
        if (Ioctl(target, CloneRequest, source.DangerousGetHandle()) == 0)
        {
            return;
        }

        long length = RandomAccess.GetLength(source);
        RandomAccess.SetLength(target, length);
        byte[] buffer = new byte[BufferSize];
        long end = 0;
        while (end < length && NextData(source, end, length) is var start && start < length)
        {
            end = Seek(source, start, SeekHole);
            CopyRange(source, target, start, end < 0 ? length : end, buffer);
            end = end < 0 ? length : end;
        }
    }

    // Beyond the last data there is none; a file system that knows no holes says that all is data.
    private static long NextData(SafeFileHandle source, long offset, long length)
    {
        long start = Seek(source, offset, SeekData);
        return start >= 0 ? start : Marshal.GetLastPInvokeError() == ErrnoNoSuchAddress ? length : offset;
    }

    private static void CopyRange(SafeFileHandle source, SafeFileHandle target, long start, long end, byte[] buffer)
    {
        for (long at = start; at < end;)
        {
            int count = RandomAccess.Read(source, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at)), at);
            if (count == 0)
            {
                throw new IOException("The file became shorter while it was copied.");
            }

            RandomAccess.Write(target, buffer.AsSpan(0, count), at);
            at += count;
        }
    }

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Ioctl(SafeFileHandle file, nuint request, nint argument);
}
