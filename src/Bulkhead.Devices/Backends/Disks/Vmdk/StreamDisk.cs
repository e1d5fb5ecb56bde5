using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Disks.Compression;
using Bulkhead.Devices.Backends.Disks.Tables;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks.Vmdk;

/// <summary>A disk in a stream-optimized VMDK: compressed grains, to be read only.</summary>
internal sealed class StreamDisk : IDisk
{
    private const int MarkerBytes = 12;

    private readonly IImageFile _file;
    private readonly GrainMap _map;
    private readonly Lock _gate = new();
    private readonly TablePages _pages;
    private readonly UnpackedClusters _unpacked;

    internal StreamDisk(IImageFile file, VmdkHeader header)
    {
        _file = file;
        _map = new GrainMap(file, header);
        _pages = new TablePages(file, DiskRange.SectorBytes, 1024);
        _unpacked = new UnpackedClusters(file, new DeflateDecoder(zlibHeader: true), header.GrainBytes);
        SizeBytes = header.CapacityBytes;
    }

    /// <inheritdoc/>
    public long SizeBytes { get; }

    /// <inheritdoc/>
    public bool ReadOnly => true;

    /// <inheritdoc/>
    public DiskResult Read(long offset, ScatteredBytes data)
    {
        if (!DiskRange.IsInside(offset, data.Length, SizeBytes))
        {
            return DiskResult.IoError;
        }

        while (data.Length > 0)
        {
            int from = (int)(offset & (_map.BlockBytes - 1));
            int count = Math.Min(data.Length, _map.BlockBytes - from);
            DiskResult result = Find(offset / _map.BlockBytes, out long marker);
            result = result == DiskResult.Ok ? ReadGrain(marker, from, data[..count]) : result;
            if (result != DiskResult.Ok)
            {
                return result;
            }

            offset += count;
            data = data[count..];
        }

        return DiskResult.Ok;
    }

    /// <inheritdoc/>
    public DiskResult Write(long offset, ReadOnlyScatteredBytes data) => DiskResult.ReadOnly;

    /// <inheritdoc/>
    public DiskResult Flush() => DiskResult.Ok;

    /// <inheritdoc/>
    public DiskResult Discard(long offset, long length) => DiskResult.ReadOnly;

    /// <inheritdoc/>
    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap) => DiskResult.ReadOnly;

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private DiskResult Find(long grain, out long marker)
    {
        marker = 0;
        long at = _map.EntryOffset(grain);
        if (at == 0)
        {
            return DiskResult.Ok;
        }

        lock (_gate)
        {
            DiskResult result = _pages.Get(at, out TablePage? page);
            if (page is null)
            {
                return result;
            }

            uint entry = BinaryPrimitives.ReadUInt32LittleEndian(page.Data.AsSpan((int)(at & (DiskRange.SectorBytes - 1))));
            return _map.TryLocate(entry, _file.LengthBytes, out marker) ? DiskResult.Ok : DiskResult.IoError;
        }
    }

    // A grain stands behind a marker: where it belongs (8 bytes), and how long it is packed (4).
    private DiskResult ReadGrain(long marker, int from, ScatteredBytes data)
    {
        if (marker == 0)
        {
            data.Clear();
            return DiskResult.Ok;
        }

        if (_unpacked.TryRead(marker + MarkerBytes, from, data))
        {
            return DiskResult.Ok;
        }

        Span<byte> head = stackalloc byte[MarkerBytes];
        DiskResult result = _file.Read(marker, head);
        uint packed = BinaryPrimitives.ReadUInt32LittleEndian(head[8..]);
        return result != DiskResult.Ok ? result
            : packed == 0 || packed > (2 * _map.BlockBytes) + 1024 ? DiskResult.IoError
            : _unpacked.Read(marker + MarkerBytes, (int)packed, from, data);
    }
}
