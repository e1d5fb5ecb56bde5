using Bulkhead.Devices.Backends.Disks.Tables;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <content>Looking up and reading.</content>
internal sealed partial class Qcow2Disk
{
    /// <inheritdoc/>
    public DiskResult Read(long offset, ScatteredBytes data)
    {
        if (!DiskRange.IsInside(offset, data.Length, SizeBytes))
        {
            return DiskResult.IoError;
        }

        int epoch = Begin();
        try
        {
            while (data.Length > 0)
            {
                DiskResult result = Find(offset, data.Length, out MappedExtent extent);
                if (result == DiskResult.Ok)
                {
                    result = Read(extent, offset, data[..extent.Length]);
                }

                if (result != DiskResult.Ok)
                {
                    return result;
                }

                offset += extent.Length;
                data = data[extent.Length..];
            }

            return DiskResult.Ok;
        }
        finally
        {
            End(epoch);
        }
    }

    private int Begin()
    {
        lock (_gate)
        {
            return _epochs.Enter();
        }
    }

    private void End(int epoch)
    {
        lock (_gate)
        {
            _epochs.Exit(epoch);
        }
    }

    private DiskResult Find(long offset, int length, out MappedExtent extent)
    {
        lock (_gate)
        {
            return FindLocked(offset, length, out extent);
        }
    }

    private DiskResult Read(in MappedExtent extent, long offset, ScatteredBytes data)
    {
        switch (extent.Kind)
        {
            case ExtentKind.Data:
                return _file.Read(extent.HostOffset, data);
            case ExtentKind.Backing:
                return ReadBacking(offset, data);
            case ExtentKind.Compressed:
                (long packedOffset, int packedBytes) = extent.Entry.CompressedRange(_clusterBits);
                return packedOffset >= _file.LengthBytes || packedBytes > 2 * ClusterBytes + 512
                    ? DiskResult.IoError
                    : _unpacked.Read(packedOffset, packedBytes, (int)(offset & (ClusterBytes - 1)), data);
            case ExtentKind.Zero:
                data.Clear();
                return DiskResult.Ok;
            default:
                return DiskResult.IoError;
        }
    }

    // A backing disk may be shorter than what is laid over it.
    private DiskResult ReadBacking(long offset, ScatteredBytes data)
    {
        int there = (int)Math.Clamp((_backing?.SizeBytes ?? 0) - offset, 0, data.Length);
        data[there..].Clear();
        return there == 0 || _backing is null ? DiskResult.Ok : _backing.Read(offset, data[..there]);
    }

    // With the lock, which is let go while a page of the mapping is read.
    private DiskResult FindLocked(long offset, int length, out MappedExtent extent)
    {
        long cluster = offset >> _clusterBits;
        int inCluster = (int)(offset & (ClusterBytes - 1));
        DiskResult result = FindPage(cluster, out TablePage? page, out int index);
        extent = default;
        if (result != DiskResult.Ok)
        {
            return result;
        }

        long most;
        if (page is null)
        {
            most = (((cluster >> _l2Bits) + 1) << (_l2Bits + _clusterBits)) - offset;
            extent = new MappedExtent(ExtentKind.Backing, default, 0, (int)Math.Min(length, most));
            return DiskResult.Ok;
        }

        MapEntry first = EntryAt(page, index);
        ExtentKind kind = KindOf(first);
        most = ClusterBytes - inCluster;
        int entries = page.Data.Length / 8;
        for (int i = 1; most < length && index + i < entries && kind != ExtentKind.Compressed; i++)
        {
            MapEntry next = EntryAt(page, index + i);
            if (KindOf(next) != kind || (kind == ExtentKind.Data && next.Value != first.Value + ((ulong)i << _clusterBits)))
            {
                break;
            }

            most += ClusterBytes;
        }

        extent = new MappedExtent(kind, first, first.HostOffset + inCluster, (int)Math.Min(length, most));
        return DiskResult.Ok;
    }

    // The page of the mapping that holds a cluster's entry; null where there is no table for it.
    private DiskResult FindPage(long cluster, out TablePage? page, out int index)
    {
        int inTable = (int)(cluster & ((1L << _l2Bits) - 1));
        index = inTable & ((_maps.PageBytes / 8) - 1);
        while (true)
        {
            page = null;
            long top = cluster >> _l2Bits;
            ulong entry = top < _l1.Length ? _l1[top] : 0;
            if ((entry & Qcow2Layout.OffsetMask) == 0)
            {
                return (entry & ~Qcow2Layout.Copied) == 0 ? DiskResult.Ok : DiskResult.IoError;
            }

            if (!IsTableEntry(entry))
            {
                return DiskResult.IoError;
            }

            long at = ((long)(entry & Qcow2Layout.OffsetMask) + (inTable * 8L)) & -_maps.PageBytes;
            if (_maps.TryGet(at, out page))
            {
                return DiskResult.Ok;
            }

            TablePage fresh = _maps.Rent();
            long generation = _maps.Generation;
            DiskResult result;
            Monitor.Exit(_gate);
            try
            {
                result = _file.Read(at, fresh.Data);
            }
            finally
            {
                Monitor.Enter(_gate);
            }

            _maps.Offer(fresh, at, generation, result == DiskResult.Ok);
            if (result != DiskResult.Ok)
            {
                return result;
            }
        }
    }

    private static MapEntry EntryAt(TablePage page, int index) =>
        new(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(page.Data.AsSpan(8 * index)));

    private ExtentKind KindOf(MapEntry entry) => entry.Kind(_version, _clusterBits, _file.LengthBytes);

    // Whether nothing but zeros is behind a part of a cluster.
    private bool ReadsAsZeros(MapEntry entry, long offset) => KindOf(entry) switch
    {
        ExtentKind.Zero => true,
        ExtentKind.Backing => offset >= (_backing?.SizeBytes ?? 0),
        _ => false,
    };
}
