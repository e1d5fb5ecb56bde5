using System.Buffers;
using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Disks.Tables;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <content>Writing, in place and into new clusters.</content>
internal sealed partial class Qcow2Disk
{
    /// <inheritdoc/>
    public DiskResult Write(long offset, ReadOnlyScatteredBytes data)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, data.Length);
        return result == DiskResult.Ok ? WriteUnchecked(offset, data) : result;
    }

    private DiskResult WriteUnchecked(long offset, ReadOnlyScatteredBytes data)
    {
        DiskResult result = Relieve();
        if (result != DiskResult.Ok)
        {
            return result;
        }

        int epoch = Begin();
        try
        {
            while (data.Length > 0)
            {
                result = WriteSome(offset, data, out int count);
                if (result != DiskResult.Ok)
                {
                    return result;
                }

                offset += count;
                data = data[count..];
            }

            return DiskResult.Ok;
        }
        finally
        {
            End(epoch);
        }
    }

    // Writes the tables when too much of them stands in memory only; before a request, since it waits for none.
    private DiskResult Relieve()
    {
        bool crowded;
        lock (_gate)
        {
            crowded = _maps.IsCrowded || Counts.Pages.IsCrowded || _frees.Count > MostFrees;
        }

        return crowded ? Flush() : DiskResult.Ok;
    }

    private DiskResult WriteSome(long offset, ReadOnlyScatteredBytes data, out int count)
    {
        NewClusters taken = default;
        MappedExtent extent;
        lock (_gate)
        {
            count = 0;
            DiskResult result = FindLocked(offset, data.Length, out extent);
            if (result != DiskResult.Ok)
            {
                return result;
            }

            bool inPlace = extent.Kind == ExtentKind.Data && extent.Entry.IsCopied;
            if (inPlace && !IsWritable(extent.HostOffset, extent.Length))
            {
                return DiskResult.IoError;
            }

            if (!inPlace)
            {
                result = TakeClusters(offset, data.Length, out taken);
                if (result != DiskResult.Ok || taken.Count == 0)
                {
                    return result;
                }
            }
        }

        if (taken.Count == 0)
        {
            count = extent.Length;
            return _file.Write(extent.HostOffset, data[..count]);
        }

        long end = (taken.FirstCluster + taken.Count) << _clusterBits;
        count = (int)Math.Min(data.Length, end - offset);
        DiskResult filled = Fill(taken, offset, data[..count]);
        lock (_gate)
        {
            return Commit(taken, filled);
        }
    }

    // Nothing that is a table may be written as data, whatever the mapping says.
    private bool IsWritable(long hostOffset, int length)
    {
        for (long cluster = hostOffset >> _clusterBits; cluster << _clusterBits < hostOffset + length; cluster++)
        {
            if (_tables.Contains(cluster))
            {
                return false;
            }
        }

        return true;
    }

    // With the lock: clusters for as much of a range as follows one another; none where the mapping changed while we waited.
    private DiskResult TakeClusters(long offset, int length, out NewClusters taken)
    {
        taken = default;
        long cluster = offset >> _clusterBits;
        if (_busy.Contains(cluster))
        {
            _ = Monitor.Wait(_gate);
            return DiskResult.Ok;
        }

        DiskResult result = OwnTable(cluster >> _l2Bits);
        if (result != DiskResult.Ok || (result = FindPage(cluster, out TablePage? page, out int index)) != DiskResult.Ok || page is null)
        {
            return result;
        }

        // The lock may have been let go.
        MapEntry first = EntryAt(page, index);
        if (_busy.Contains(cluster) || !NeedsCluster(first))
        {
            return DiskResult.Ok;
        }

        if (KindOf(first) == ExtentKind.Malformed)
        {
            return DiskResult.IoError;
        }

        if (KindOf(first) == ExtentKind.Zero && first.HostOffset != 0 && first.IsCopied && IsWritable(first.HostOffset, ClusterBytes))
        {
            _ = _busy.Add(cluster);
            taken = new NewClusters(cluster, 1, first.HostOffset >> _clusterBits, Fresh: false, Reused: true, first, first);
            return DiskResult.Ok;
        }

        int wanted = 1;
        while (((cluster + wanted) << _clusterBits) < offset + length && index + wanted < page.Data.Length / 8
            && !_busy.Contains(cluster + wanted) && NeedsCluster(EntryAt(page, index + wanted)))
        {
            wanted++;
        }

        result = Counts.Take(wanted, out long host, out int count);
        if (result != DiskResult.Ok)
        {
            return result;
        }

        for (int i = 0; i < count; i++)
        {
            _ = _busy.Add(cluster + i);
        }

        taken = new NewClusters(cluster, count, host, host << _clusterBits >= _file.LengthBytes, Reused: false, first, EntryAt(page, index + count - 1));
        return DiskResult.Ok;
    }

    private bool NeedsCluster(MapEntry entry) => KindOf(entry) != ExtentKind.Data || !entry.IsCopied;

    // Outside the lock: what the disk holds around the data, and the data.
    private DiskResult Fill(in NewClusters taken, long offset, ReadOnlyScatteredBytes data)
    {
        long start = taken.FirstCluster << _clusterBits;
        long host = taken.HostCluster << _clusterBits;
        int head = (int)(offset - start);
        int tail = (int)(((long)taken.Count << _clusterBits) - head - data.Length);
        DiskResult result = FillEdge(taken, taken.First, host, start, head);
        if (result == DiskResult.Ok)
        {
            result = FillEdge(taken, taken.Last, host + head + data.Length, offset + data.Length, tail);
        }

        return result == DiskResult.Ok ? _file.Write(host + head, data) : result;
    }

    private DiskResult FillEdge(in NewClusters taken, MapEntry old, long host, long offset, int length)
    {
        if (length == 0 || (ReadsAsZeros(old, offset) && taken.Fresh))
        {
            return DiskResult.Ok;
        }

        if (ReadsAsZeros(old, offset))
        {
            return _file.WriteZeroes(host, length, mayUnmap: false);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> bytes = buffer.AsSpan(0, length);
            DiskResult result = Read(new MappedExtent(KindOf(old), old, old.HostOffset + (offset & (ClusterBytes - 1)), length), offset, bytes);
            return result == DiskResult.Ok ? _file.Write(host, bytes) : result;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // With the lock: the mapping takes the new clusters on, or they go back.
    private DiskResult Commit(in NewClusters taken, DiskResult result)
    {
        int done = 0;
        for (; done < taken.Count && result == DiskResult.Ok; done++)
        {
            result = SetEntry(taken.FirstCluster + done, MapEntry.At((taken.HostCluster + done) << _clusterBits), keepsCluster: taken.Reused);
        }

        if (result != DiskResult.Ok)
        {
            // The entry that failed was not changed.
            done = Math.Max(0, done - 1);
            _ = taken.Reused ? DiskResult.Ok : Counts.GiveBack(taken.HostCluster + done, taken.Count - done);
        }

        for (int i = 0; i < taken.Count; i++)
        {
            _ = _busy.Remove(taken.FirstCluster + i);
        }

        Monitor.PulseAll(_gate);
        return result;
    }

    // With the lock, kept: an entry of a table that is ours alone takes another value, and what it referred to is given up.
    private DiskResult SetEntry(long cluster, MapEntry value, bool keepsCluster)
    {
        int inTable = (int)(cluster & ((1L << _l2Bits) - 1));
        long at = (long)(_l1[cluster >> _l2Bits] & Qcow2Layout.OffsetMask) + (inTable * 8L);
        DiskResult result = _maps.Get(at, out TablePage? page);
        if (page is null)
        {
            return result;
        }

        int index = inTable & ((_maps.PageBytes / 8) - 1);
        MapEntry old = EntryAt(page, index);
        page = _maps.Change(page);
        BinaryPrimitives.WriteUInt64BigEndian(page.Data.AsSpan(8 * index), value.Value);
        if (!keepsCluster)
        {
            GiveUp(old);
        }

        return DiskResult.Ok;
    }

    private void GiveUp(MapEntry entry)
    {
        if (entry.IsCompressed)
        {
            (long offset, int length) = entry.CompressedRange(_clusterBits);
            for (long cluster = offset >> _clusterBits; cluster << _clusterBits < offset + length; cluster++)
            {
                _frees.Add(cluster);
            }
        }
        else if (entry.HostOffset != 0)
        {
            _frees.Add(entry.HostOffset >> _clusterBits);
        }
    }

    // With the lock: a mapping table that nothing else refers to, so that it may be changed.
    private DiskResult OwnTable(long top)
    {
        ulong entry = _l1[top];
        bool there = (entry & ~Qcow2Layout.Copied) != 0;
        if (there && !IsTableEntry(entry))
        {
            return DiskResult.IoError;
        }

        if (there && (entry & Qcow2Layout.Copied) != 0)
        {
            return DiskResult.Ok;
        }

        DiskResult result = Counts.Take(1, out long host, out _);
        if (result != DiskResult.Ok)
        {
            return result;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(ClusterBytes);
        Span<byte> table = buffer.AsSpan(0, ClusterBytes);
        table.Clear();
        long old = (long)(entry & Qcow2Layout.OffsetMask);
        result = there ? _file.Read(old, table) : DiskResult.Ok;
        result = result == DiskResult.Ok ? _file.Write(host << _clusterBits, table) : result;
        ArrayPool<byte>.Shared.Return(buffer);
        if (result != DiskResult.Ok)
        {
            _ = Counts.GiveBack(host, 1);
            return result;
        }

        _maps.Drop(host << _clusterBits, ClusterBytes);
        _ = _tables.Add(host);
        if (there)
        {
            _frees.Add(~(old >> _clusterBits));
        }

        _l1[top] = ((ulong)host << _clusterBits) | Qcow2Layout.Copied;
        _ = _l1Changed.Add((int)top);
        return DiskResult.Ok;
    }
}
