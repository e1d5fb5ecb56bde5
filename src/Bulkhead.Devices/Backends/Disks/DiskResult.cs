namespace Bulkhead.Devices.Backends.Disks;

/// <summary>How a request to a disk ended.</summary>
public enum DiskResult : byte
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>The host failed, the request lies outside the disk, or the image's own tables are malformed.</summary>
    IoError,

    /// <summary>The host has no space left for it, or the image has reached the size its format ends at.</summary>
    NoSpace,

    /// <summary>The disk may not be changed.</summary>
    ReadOnly,
}
