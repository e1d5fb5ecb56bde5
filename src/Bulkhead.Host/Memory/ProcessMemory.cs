namespace Bulkhead.Host.Memory;

/// <summary>The memory of the whole process.</summary>
public static class ProcessMemory
{
    /// <summary>Keeps every page in memory from its first touch on; false where that is not permitted, and nothing changes.</summary>
    public static bool TryLock() => Libc.LockAll(Libc.LockCurrent | Libc.LockFuture | Libc.LockOnFault) == 0;
}
