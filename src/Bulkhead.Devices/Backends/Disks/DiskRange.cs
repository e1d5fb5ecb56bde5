namespace Bulkhead.Devices.Backends.Disks;

/// <summary>The check every request passes before anything else is done with its numbers.</summary>
internal static class DiskRange
{
    /// <summary>Bytes in the unit disks are measured in.</summary>
    internal const int SectorBytes = 512;

    /// <summary>Whether a range lies inside a disk of some size.</summary>
    internal static bool IsInside(long offset, long length, long sizeBytes) =>
        offset >= 0 && length >= 0 && length <= sizeBytes && offset <= sizeBytes - length;

    /// <summary>What a change of a range is answered with before it is tried, or Ok.</summary>
    internal static DiskResult CheckChange(IDisk disk, long offset, long length) =>
        disk.ReadOnly ? DiskResult.ReadOnly
        : IsInside(offset, length, disk.SizeBytes) ? DiskResult.Ok
        : DiskResult.IoError;
}
