using Bulkhead.Devices.Backends.Disks.Tables;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <content>Discarding and writing zeros: by the mapping where whole clusters are concerned.</content>
internal sealed partial class Qcow2Disk
{
    private static readonly byte[] s_zeros = new byte[64 << 10];

    // Version 2 cannot say that a cluster is zeros where a backing disk would show through.
    private bool CanSayZero => _version >= 3 || _backing is null;

    /// <inheritdoc/>
    public DiskResult Discard(long offset, long length)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, length);
        if (result != DiskResult.Ok || !CanSayZero)
        {
            return result;
        }

        // The last cluster of the disk may be a part of one.
        long end = offset + length == SizeBytes ? offset + length + ClusterBytes - 1 : offset + length;
        return ZeroClusters((offset + ClusterBytes - 1) >> _clusterBits, end >> _clusterBits, mayUnmap: true);
    }

    /// <inheritdoc/>
    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, length);
        return result == DiskResult.Ok ? WriteZeroesUnchecked(offset, length, mayUnmap, SizeBytes) : result;
    }

    private DiskResult WriteZeroesUnchecked(long offset, long length, bool mayUnmap, long sizeBytes)
    {
        long end = offset + length;
        long first = (offset + ClusterBytes - 1) >> _clusterBits;
        long last = (end == sizeBytes ? end + ClusterBytes - 1 : end) >> _clusterBits;
        if (!CanSayZero || (_version < 3 && !mayUnmap) || first >= last)
        {
            return WriteZeroBytes(offset, length);
        }

        DiskResult result = WriteZeroBytes(offset, (first << _clusterBits) - offset);
        result = result == DiskResult.Ok ? ZeroClusters(first, last, mayUnmap) : result;
        return result == DiskResult.Ok ? WriteZeroBytes(last << _clusterBits, Math.Max(0, end - (last << _clusterBits))) : result;
    }

    // Only where something else would be read.
    private DiskResult WriteZeroBytes(long offset, long length)
    {
        while (length > 0)
        {
            int part = (int)Math.Min(length, s_zeros.Length);
            DiskResult result = Find(offset, part, out MappedExtent extent);
            if (result == DiskResult.Ok && (extent.Kind != ExtentKind.Backing || offset < (_backing?.SizeBytes ?? 0)) && extent.Kind != ExtentKind.Zero)
            {
                result = WriteUnchecked(offset, s_zeros.AsSpan(0, extent.Length));
            }

            if (result != DiskResult.Ok)
            {
                return result;
            }

            offset += extent.Length;
            length -= extent.Length;
        }

        return DiskResult.Ok;
    }

    private DiskResult ZeroClusters(long first, long last, bool mayUnmap)
    {
        while (first < last)
        {
            DiskResult result = Relieve();
            if (result == DiskResult.Ok)
            {
                lock (_gate)
                {
                    result = ZeroSome(ref first, last, mayUnmap);
                }
            }

            if (result != DiskResult.Ok)
            {
                return result;
            }
        }

        return DiskResult.Ok;
    }

    // With the lock: the clusters of one page of the mapping, or of a table that is not there.
    private DiskResult ZeroSome(ref long first, long last, bool mayUnmap)
    {
        long top = first >> _l2Bits;
        bool behindBacking = first << _clusterBits >= (_backing?.SizeBytes ?? 0);
        if ((_l1[top] & ~Qcow2Layout.Copied) == 0 && behindBacking)
        {
            first = Math.Min(last, (top + 1) << _l2Bits);
            return DiskResult.Ok;
        }

        DiskResult result = OwnTable(top);
        if (result != DiskResult.Ok || (result = FindPage(first, out TablePage? page, out int index)) != DiskResult.Ok || page is null)
        {
            return result;
        }

        for (int entries = page.Data.Length / 8; index < entries && first < last; index++, first++)
        {
            if (_busy.Contains(first))
            {
                _ = Monitor.Wait(_gate);
                return DiskResult.Ok;
            }

            if (!_maps.TryGet((long)(_l1[top] & Qcow2Layout.OffsetMask) + ((first & ((1L << _l2Bits) - 1)) * 8), out page))
            {
                return DiskResult.Ok;
            }

            MapEntry old = EntryAt(page, index);
            if (KindOf(old) == ExtentKind.Malformed)
            {
                return DiskResult.IoError;
            }

            if (ReadsAsZeros(old, first << _clusterBits) && (old.HostOffset == 0 || !mayUnmap))
            {
                continue;
            }

            bool keeps = !mayUnmap && KindOf(old) == ExtentKind.Data && old.IsCopied;
            ulong value = (keeps ? old.Value : 0) | (_version >= 3 && (keeps || first << _clusterBits < (_backing?.SizeBytes ?? 0)) ? Qcow2Layout.Zero : 0);
            result = SetEntry(first, new MapEntry(value), keeps);
            if (result != DiskResult.Ok)
            {
                return result;
            }
        }

        return DiskResult.Ok;
    }
}
