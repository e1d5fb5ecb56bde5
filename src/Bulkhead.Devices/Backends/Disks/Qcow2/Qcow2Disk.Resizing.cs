using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <content>Growing.</content>
internal sealed partial class Qcow2Disk
{
    /// <inheritdoc/>
    public DiskResult Resize(long sizeBytes)
    {
        if (ReadOnly)
        {
            return DiskResult.ReadOnly;
        }

        long old = SizeBytes;
        long shownByBacking = Math.Min(sizeBytes, _backing?.SizeBytes ?? 0);
        if (sizeBytes < old || sizeBytes % DiskRange.SectorBytes != 0 || (shownByBacking > old && !CanSayZero))
        {
            return DiskResult.IoError;
        }

        DiskResult result;
        lock (_flushing)
        {
            lock (_gate)
            {
                result = GrowTop(Qcow2Header.L1EntriesFor(sizeBytes, _clusterBits));
            }
        }

        // What the backing disk has behind our end so far must not show through.
        if (result == DiskResult.Ok && shownByBacking > old)
        {
            result = WriteZeroesUnchecked(old, shownByBacking - old, mayUnmap: true, shownByBacking);
        }

        result = result == DiskResult.Ok ? Flush() : result;
        if (result != DiskResult.Ok)
        {
            return result;
        }

        lock (_flushing)
        {
            Span<byte> size = stackalloc byte[8];
            BinaryPrimitives.WriteInt64BigEndian(size, sizeBytes);
            result = _file.Write(24, size);
            result = result == DiskResult.Ok ? Sync() : result;
            if (result == DiskResult.Ok)
            {
                Volatile.Write(ref _size, sizeBytes);
            }
        }

        return result;
    }

    // With both locks, over all the writing: seldom. The top-level table moves to a larger place.
    private DiskResult GrowTop(long entries)
    {
        if (entries <= _l1.Length)
        {
            return DiskResult.Ok;
        }

        if (entries > Qcow2Layout.MaxL1Bytes / 8)
        {
            return DiskResult.NoSpace;
        }

        int clusters = (int)(((entries * 8) + ClusterBytes - 1) >> _clusterBits);
        DiskResult result = Counts.TakeAll(clusters, out long first);
        if (result != DiskResult.Ok || (result = WriteTables()) != DiskResult.Ok)
        {
            return result;
        }

        ulong[] top = new ulong[entries];
        _l1.CopyTo(top, 0);
        byte[] bytes = new byte[clusters << _clusterBits];
        for (int i = 0; i < top.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8 * i), top[i]);
        }

        result = _file.Write(first << _clusterBits, bytes);
        result = result == DiskResult.Ok ? Sync() : result;
        Span<byte> header = stackalloc byte[12];
        BinaryPrimitives.WriteInt32BigEndian(header, top.Length);
        BinaryPrimitives.WriteInt64BigEndian(header[4..], first << _clusterBits);
        result = result == DiskResult.Ok ? _file.Write(36, header) : result;
        result = result == DiskResult.Ok ? Sync() : result;
        if (result != DiskResult.Ok)
        {
            return result;
        }

        for (long old = _l1Offset; old < _l1Offset + (_l1.Length * 8L); old += ClusterBytes)
        {
            _frees.Add(~(old >> _clusterBits));
        }

        for (int i = 0; i < clusters; i++)
        {
            _ = _tables.Add(first + i);
        }

        _l1 = top;
        _l1Offset = first << _clusterBits;
        return DiskResult.Ok;
    }
}
