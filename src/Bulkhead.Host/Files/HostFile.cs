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

    /// <summary>Why a folder is not this process's user's alone, in words that follow the path; null where it is, or is not there.</summary>
    public static string? WhyNotPrivate(string folder)
    {
        const int OfOthers = 0x3F; // 077
        return !TryStat(TreeCalls.CurrentFolder, folder, TreeCalls.SymlinkNoFollow, out FileCalls.FileStatus status) ? null
            : !status.IsFolder ? "that is no folder (nor may it be a link to one)"
            : status.User != UserIds.User ? $"it belongs to another user (number {status.User})"
            : (status.Mode & OfOthers) != 0 ? $"others may use it (mode {Convert.ToString(status.Mode & 0xFFF, 8)}; 700 is right)" : null;
    }

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

    private static bool IsOurs(int fd, string path, int flags)
    {
        const int WrittenByOthers = 0x12;
        return TryStat(fd, path, flags, out FileCalls.FileStatus status) && status.User == UserIds.User && (status.Mode & WrittenByOthers) == 0;
    }

    private static unsafe bool TryStat(int fd, string path, int flags, out FileCalls.FileStatus status)
    {
        fixed (FileCalls.FileStatus* to = &status)
        {
            // SAFETY: the kernel writes a struct statx (HostFileTests).
            return FileCalls.Stat(fd, path, flags, FileCalls.StatBasic, to) == 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameCore(string from, string to);
}
