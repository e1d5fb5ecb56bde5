using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;

namespace Bulkhead.Host.Files;

/// <summary>The file calls of the C library, with their constants on x86-64.</summary>
internal static unsafe partial class FileCalls
{
    internal const int OpenReadOnly = 0;
    internal const int OpenReadWrite = 2;
    internal const int OpenCreate = 0x40;
    internal const int OpenExclusive = 0x80;
    internal const int OpenDirect = 0x4000;
    internal const int OpenCloexec = 0x80000;
    internal const int OpenTemporary = 0x410000;
    internal const uint OwnerReadWrite = 0x1a4;
    internal const uint OwnerOnly = 0x180;

    internal const int KeepSize = 1;
    internal const int PunchHole = 2;
    internal const int ZeroRange = 0x10;

    internal const int GetDescriptionLock = 36;
    internal const int SetDescriptionLock = 37;
    internal const short ReadLock = 0;
    internal const short WriteLock = 1;
    internal const short Unlocked = 2;

    internal const int WillNeed = 3;

    internal const int SeekData = 3;
    internal const int SeekHole = 4;
    internal const int SeekEnd = 2;

    internal const int MaySearch = 1;
    internal const int MayWrite = 2;
    internal const int MayRead = 4;

    internal const int EmptyPath = 0x1000;
    internal const uint StatBasic = 0x7ff;
    internal const uint StatDirectAlignment = 0x2000;

    /// <summary>The most ranges of a call (IOV_MAX).</summary>
    internal const int MostRanges = 1024;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "preadv", SetLastError = true)]
    internal static partial nint ReadAt(int fd, MemoryRange* ranges, int count, long offset);

    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    internal static partial nint WriteAt(int fd, MemoryRange* ranges, int count, long offset);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    internal static partial int SyncData(int fd);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    internal static partial int Truncate(int fd, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Allocate(int fd, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    internal static partial int Advise(int fd, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Seek(int fd, long offset, int from);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int LockControl(int fd, int command, RecordLock* record);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Stat(int fd, string path, int flags, uint mask, FileStatus* status);

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Access(string path, int uses);

    /// <summary>struct flock.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct RecordLock
    {
        internal short Kind;
        internal short From;
        internal long Start;
        internal long Length;
        internal int Process;
    }

    /// <summary>struct statx: what we read of it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct FileStatus
    {
        [FieldOffset(20)]
        internal uint User;

        [FieldOffset(28)]
        internal ushort Mode;

        [FieldOffset(32)]
        internal ulong Inode;

        [FieldOffset(48)]
        internal ulong Blocks512;

        [FieldOffset(152)]
        internal uint DirectMemoryAlignment;

        [FieldOffset(156)]
        internal uint DirectOffsetAlignment;

        internal readonly bool IsRegular => (Mode & 0xf000) == 0x8000;

        internal readonly bool IsFolder => (Mode & 0xf000) == 0x4000;

        internal readonly bool IsBlockDevice => (Mode & 0xf000) == 0x6000;
    }
}
