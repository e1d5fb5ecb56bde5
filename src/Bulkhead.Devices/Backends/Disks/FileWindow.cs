using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks;

/// <summary>A part of a file, to be read only: a file inside an archive.</summary>
internal sealed class FileWindow(IImageFile file, string name, long start, long length) : IImageFile
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public bool ReadOnly => true;

    /// <inheritdoc/>
    public long LengthBytes => length;

    /// <inheritdoc/>
    public DiskResult Read(long offset, ScatteredBytes data)
    {
        int there = (int)Math.Clamp(length - offset, 0, data.Length);
        data[there..].Clear();
        return offset < 0 ? DiskResult.IoError : file.Read(start + offset, data[..there]);
    }

    /// <inheritdoc/>
    public DiskResult Write(long offset, ReadOnlyScatteredBytes data) => DiskResult.ReadOnly;

    /// <inheritdoc/>
    public DiskResult Sync() => DiskResult.Ok;

    /// <inheritdoc/>
    public DiskResult Discard(long offset, long length) => DiskResult.ReadOnly;

    /// <inheritdoc/>
    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap) => DiskResult.ReadOnly;

    /// <inheritdoc/>
    public DiskResult SetLength(long length) => DiskResult.ReadOnly;

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
