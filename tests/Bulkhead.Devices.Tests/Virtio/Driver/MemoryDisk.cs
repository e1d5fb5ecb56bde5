using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A disk in memory that remembers what is on stable storage and can be slow or broken.</summary>
internal sealed class MemoryDisk(int sectors, bool readOnly = false) : IDisk
{
    public byte[] Bytes { get; } = new byte[sectors * 512];

    /// <summary>What a crash would leave.</summary>
    public byte[] Stable { get; } = new byte[sectors * 512];

    public long SizeBytes => Bytes.Length;

    public bool ReadOnly => readOnly;

    /// <summary>What every request answers instead.</summary>
    public DiskResult? Broken { get; set; }

    /// <summary>What is done before each request.</summary>
    public Action? Before { get; set; }

    public int Discards { get; private set; }

    public bool MayUnmap { get; private set; }

    public DiskResult Read(long offset, ScatteredBytes data)
    {
        Before?.Invoke();
        data.CopyFrom(Bytes.AsSpan((int)offset, data.Length));
        return Broken ?? DiskResult.Ok;
    }

    public DiskResult Write(long offset, ReadOnlyScatteredBytes data)
    {
        Before?.Invoke();
        if ((Broken ?? Changeable) is not DiskResult.Ok and var no)
        {
            return no;
        }

        data.CopyTo(Bytes.AsSpan((int)offset));
        return DiskResult.Ok;
    }

    public DiskResult Flush()
    {
        Before?.Invoke();
        Bytes.CopyTo(Stable, 0);
        return Broken ?? DiskResult.Ok;
    }

    public DiskResult Discard(long offset, long length)
    {
        Discards++;
        return Broken ?? Changeable;
    }

    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap)
    {
        MayUnmap = mayUnmap;
        if ((Broken ?? Changeable) is not DiskResult.Ok and var no)
        {
            return no;
        }

        Bytes.AsSpan((int)offset, (int)length).Clear();
        return DiskResult.Ok;
    }

    public void Dispose()
    {
    }

    private DiskResult Changeable => readOnly ? DiskResult.ReadOnly : DiskResult.Ok;
}
