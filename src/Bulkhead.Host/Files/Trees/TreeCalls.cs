using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files.Trees;

/// <summary>The calls of the C library about folders and what is in them, with their constants on x86-64.</summary>
internal static unsafe partial class TreeCalls
{
    internal const int CurrentFolder = -100;
    internal const int SymlinkNoFollow = 0x100;
    internal const int RemoveFolder = 0x200;
    internal const int SymlinkFollow = 0x400;
    internal const int NoAutomount = 0x800;
    internal const int EmptyPath = 0x1000;

    internal const int OpenWriteOnly = 1;
    internal const int OpenReadWrite = 2;
    internal const int OpenCreate = 0x40;
    internal const int OpenExclusive = 0x80;
    internal const int OpenNoTerminal = 0x100;
    internal const int OpenTruncate = 0x200;
    internal const int OpenNonBlocking = 0x800;
    internal const int OpenFolder = 0x10000;
    internal const int OpenNoFollow = 0x20000;
    internal const int OpenCloseOnExec = 0x80000;
    internal const int OpenPath = 0x200000;

    internal const long OpenAtNumber = 437;
    internal const ulong ResolveOneMount = 1;
    internal const ulong ResolveNoMagicLinks = 2;
    internal const ulong ResolveNoSymlinks = 4;
    internal const ulong ResolveBeneath = 8;

    internal const uint StatBasic = 0x7ff;
    internal const uint StatMountId = 0x1000;
    internal const ulong StatMountRoot = 0x2000;

    internal const uint NowNs = 0x3fffffff;
    internal const uint OmittedNs = 0x3ffffffe;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint OpenAt(long number, int folder, byte* path, OpenHow* how, nuint howBytes);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    internal static partial int OpenAt(int folder, byte* path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    internal static partial int Stat(int folder, byte* path, int flags, uint mask, FileFacts* facts);

    [LibraryImport("libc", EntryPoint = "fstatvfs", SetLastError = true)]
    internal static partial int StatVolume(int fd, VolumeFacts* facts);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    internal static partial int MakeFolder(int folder, byte* name, uint mode);

    [LibraryImport("libc", EntryPoint = "mknodat", SetLastError = true)]
    internal static partial int MakeNode(int folder, byte* name, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    internal static partial int MakeSymbolicLink(byte* target, int folder, byte* name);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    internal static partial nint ReadLink(int folder, byte* path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    internal static partial int Unlink(int folder, byte* name, int flags);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    internal static partial int Rename(int folder, byte* name, int toFolder, byte* toName, uint flags);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    internal static partial int Link(int folder, byte* path, int toFolder, byte* toName, int flags);

    [LibraryImport("libc", EntryPoint = "fchmodat", SetLastError = true)]
    internal static partial int ChangeMode(int folder, byte* path, uint mode, int flags);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    internal static partial int SetTimes(int folder, byte* path, FileMoment* times, int flags);

    [LibraryImport("libc", EntryPoint = "faccessat", SetLastError = true)]
    internal static partial int CheckAccess(int folder, byte* path, int mask, int flags);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true)]
    internal static partial nint GetExtended(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "setxattr", SetLastError = true)]
    internal static partial int SetExtended(byte* path, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "listxattr", SetLastError = true)]
    internal static partial nint ListExtended(byte* path, byte* list, nuint size);

    [LibraryImport("libc", EntryPoint = "removexattr", SetLastError = true)]
    internal static partial int RemoveExtended(byte* path, byte* name);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    internal static partial nint ReadFolder(int fd, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Sync(int fd);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    internal static partial int SyncVolume(int fd);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    internal static partial nint CopyRange(int from, long* fromOffset, int to, long* toOffset, nuint length, uint flags);

    /// <summary>struct open_how.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct OpenHow
    {
        internal ulong Flags;
        internal ulong Mode;
        internal ulong Resolve;
    }
}
