using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A disk in memory whose reads and writes wait, each at its sector, until they are let through.</summary>
internal sealed class GatedDisk(int sectors) : IDisk
{
    private const int WaitMs = 30_000;

    private readonly object _gate = new();
    private readonly HashSet<long> _underWay = [];
    private readonly HashSet<long> _open = [];
    private bool _allOpen;

    /// <summary>What is behind it.</summary>
    public MemoryDisk Inner { get; } = new(sectors);

    /// <summary>The sector that cannot be read.</summary>
    public long? Broken { get; set; }

    /// <summary>The sector whose reading meets a bug.</summary>
    public long? Buggy { get; set; }

    public long SizeBytes => Inner.SizeBytes;

    public bool ReadOnly => false;

    /// <summary>Waits until so many requests are at the disk; their sectors.</summary>
    public long[] Await(int count)
    {
        lock (_gate)
        {
            while (_underWay.Count < count && Monitor.Wait(_gate, WaitMs))
            {
            }

            return [.. _underWay.Order()];
        }
    }

    /// <summary>Lets requests at these sectors through; all of them where none is said.</summary>
    public void Let(params ReadOnlySpan<long> sectors)
    {
        lock (_gate)
        {
            _allOpen |= sectors.Length == 0;
            foreach (long sector in sectors)
            {
                _ = _open.Add(sector);
            }

            Monitor.PulseAll(_gate);
        }
    }

    public DiskResult Read(long offset, ScatteredBytes data)
    {
        Pass(offset / 512);
        DiskResult result = Inner.Read(offset, data);
        return offset / 512 == Buggy ? throw new InvalidOperationException("a bug") : offset / 512 == Broken ? DiskResult.IoError : result;
    }

    public DiskResult Write(long offset, ReadOnlyScatteredBytes data)
    {
        Pass(offset / 512);
        return Inner.Write(offset, data);
    }

    public DiskResult Flush() => Inner.Flush();

    public DiskResult Discard(long offset, long length) => Inner.Discard(offset, length);

    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap) => Inner.WriteZeroes(offset, length, mayUnmap);

    public void Dispose() => Inner.Dispose();

    private void Pass(long sector)
    {
        lock (_gate)
        {
            _ = _underWay.Add(sector);
            Monitor.PulseAll(_gate);
            while (!_allOpen && !_open.Contains(sector) && Monitor.Wait(_gate, WaitMs))
            {
            }

            _ = _underWay.Remove(sector);
        }
    }
}
