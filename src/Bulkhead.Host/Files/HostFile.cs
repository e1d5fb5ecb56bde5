using System.Runtime.InteropServices;
using Bulkhead.Host.Files.Trees;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Files;

/// <summary>Operations on paths the class library has no exact word for.</summary>
public static partial class HostFile
{
    /// <summary>Renames a file or a link, not what the link points to, over whatever stood at the target, in one step.</summary>
    public static void Rename(string from, string to)
    {
        if (RenameCore(from, to) != 0)
        {
            throw new OperatorException($"{from} could not be renamed to {to} (errno {Marshal.GetLastPInvokeError()}).");
        }
    }

    /// <summary>Whether an open file is of this process's user, and written by nobody else.</summary>
    public static bool IsOurs(SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return IsOurs((int)file.DangerousGetHandle(), string.Empty, FileCalls.EmptyPath);
    }

    /// <summary>Whether a folder is of this process's user, and written by nobody else.</summary>
    public static bool IsOurs(string folder) => IsOurs(TreeCalls.CurrentFolder, folder, TreeCalls.SymlinkNoFollow);

    /// <summary>Creates a file, or empties the one there is, for its user alone.</summary>
    /// <exception cref="IOException">It cannot be.</exception>
    public static SafeFileHandle CreatePrivate(string path)
    {
        int fd = FileCalls.Open(path, FileCalls.OpenReadWrite | FileCalls.OpenCreate | TreeCalls.OpenTruncate | FileCalls.OpenCloexec, FileCalls.OwnerOnly);
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw new IOException($"{path} can't be created (errno {Marshal.GetLastPInvokeError()}).");
    }

    /// <summary>Has the host read a file in before it is asked for.</summary>
    public static void WillNeed(SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(file);
        _ = FileCalls.Advise((int)file.DangerousGetHandle(), 0, 0, FileCalls.WillNeed);
    }

    private static unsafe bool IsOurs(int fd, string path, int flags)
    {
        const int WrittenByOthers = 0x12;
        FileCalls.FileStatus status;

        // SAFETY: the kernel writes a struct statx (HostFileTests).
        return FileCalls.Stat(fd, path, flags, FileCalls.StatBasic, &status) == 0 && status.User == UserIds.User && (status.Mode & WrittenByOthers) == 0;
    }

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameCore(string from, string to);
}
