using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>A file before each of whose writes something happens: what a guest's other processor does at the worst moment.</summary>
internal sealed class ChangedFile(IImageFile file, Action beforeWrite) : IImageFile
{
    public string Name => file.Name;

    public bool ReadOnly => file.ReadOnly;

    public long LengthBytes => file.LengthBytes;

    public DiskResult Read(long offset, ScatteredBytes data) => file.Read(offset, data);

    public DiskResult Write(long offset, ReadOnlyScatteredBytes data)
    {
        beforeWrite();
        return file.Write(offset, data);
    }

    public DiskResult Sync() => file.Sync();

    public DiskResult Discard(long offset, long length) => file.Discard(offset, length);

    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap) => file.WriteZeroes(offset, length, mayUnmap);

    public DiskResult SetLength(long length) => file.SetLength(length);

    public void Dispose() => file.Dispose();
}
