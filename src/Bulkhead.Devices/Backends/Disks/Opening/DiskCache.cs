namespace Bulkhead.Devices.Backends.Disks.Opening;

/// <summary>What stands between a disk and the host's storage.</summary>
public enum DiskCache : byte
{
    /// <summary>The host's page cache: writes are on stable storage when the guest flushes.</summary>
    WriteBack,

    /// <summary>Nothing: transfers pass the page cache by (O_DIRECT); a flush is needed all the same.</summary>
    None,
}
