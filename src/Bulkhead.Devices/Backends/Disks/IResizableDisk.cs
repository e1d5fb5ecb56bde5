namespace Bulkhead.Devices.Backends.Disks;

/// <summary>A disk whose format can hold it at another size.</summary>
public interface IResizableDisk : IDisk
{
    /// <summary>Gives the disk another size, a multiple of 512; new bytes read as zeros.</summary>
    /// <remarks>
    /// Growing may happen beside requests under way; shrinking, which cuts the end off, may not, and formats other than raw answer it
    /// with <see cref="DiskResult.IoError"/>.
    /// </remarks>
    DiskResult Resize(long sizeBytes);
}
