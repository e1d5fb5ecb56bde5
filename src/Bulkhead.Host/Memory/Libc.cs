using System.Runtime.InteropServices;

namespace Bulkhead.Host.Memory;

/// <summary>The memory calls of the C library.</summary>
internal static unsafe partial class Libc
{
    internal const int ProtNone = 0;
    internal const int ProtRead = 1;
    internal const int ProtWrite = 2;
    internal const int ProtExec = 4;
    internal const int MapShared = 1;
    internal const int MapPrivate = 2;
    internal const int MapFixed = 0x10;
    internal const int MapAnonymous = 0x20;
    internal const int MapNoReserve = 0x4000;
    internal const uint MfdCloexec = 1;
    internal const int MadvDontneed = 4;
    internal const int MadvPopulateWrite = 23;
    internal const int MadvDontneedLocked = 24;
    internal const int PunchHoleKeepSize = 3;
    internal const int LockCurrent = 1;
    internal const int LockFuture = 2;
    internal const int LockOnFault = 4;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    internal static partial int Ftruncate(int fd, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Fallocate(int fd, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    internal static partial void* Mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "mremap", SetLastError = true)]
    internal static partial void* Mremap(void* address, nuint oldLength, nuint newLength, int flags, void* newAddress);

    [LibraryImport("libc", EntryPoint = "munmap")]
    internal static partial int Munmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    internal static partial int Madvise(void* address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "mlockall", SetLastError = true)]
    internal static partial int LockAll(int flags);

    /// <summary>Takes pages from the host for a range that is written next: one call in place of a fault for each.</summary>
    /// <remarks>Before Linux 5.14, and where memory is short, nothing happens: the faults come.</remarks>
    internal static void Populate(byte* address, nuint length)
    {
        nuint before = (nuint)address & 0xFFF;
        _ = Madvise(address - before, length + before, MadvPopulateWrite);
    }

    /// <summary>Takes pages out of a mapping.</summary>
    internal static bool TryDrop(void* address, nuint length) =>
        // Locked pages need to be asked for by name (Linux 5.18).
        Madvise(address, length, MadvDontneed) == 0 || Madvise(address, length, MadvDontneedLocked) == 0;

    [LibraryImport("libc", EntryPoint = "close")]
    internal static partial int Close(int fd);
}
