using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>A file that may not be written, and must not be.</summary>
internal sealed class ReadOnlyFile(IImageFile file) : IImageFile
{
    public string Name => file.Name;

    public bool ReadOnly => true;

    public long LengthBytes => file.LengthBytes;

    public DiskResult Read(long offset, ScatteredBytes data) => file.Read(offset, data);

    public DiskResult Write(long offset, ReadOnlyScatteredBytes data) => throw new InvalidOperationException("written");

    public DiskResult Sync() => throw new InvalidOperationException("synced");

    public DiskResult Discard(long offset, long length) => throw new InvalidOperationException("discarded");

    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap) => throw new InvalidOperationException("zeroed");

    public DiskResult SetLength(long length) => throw new InvalidOperationException("cut");

    public void Dispose() => file.Dispose();
}
