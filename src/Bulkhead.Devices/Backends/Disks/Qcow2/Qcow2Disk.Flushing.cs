using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <content>Writing the tables, in their order.</content>
internal sealed partial class Qcow2Disk
{
    // Clusters that lost a use, tables complemented: in memory, in a flush under way, on stable storage, and waiting for older requests.
    private List<long> _frees = [];
    private List<long> _freesBeingWritten = [];
    private List<long> _stable = [];
    private List<long> _quarantine = [];
    private List<long> _released = [];
    private long _flushesBegun;
    private long _lastFlushThatSucceeded;

    /// <inheritdoc/>
    public DiskResult Flush()
    {
        if (_counts is null)
        {
            return DiskResult.Ok;
        }

        long begun = Volatile.Read(ref _flushesBegun);
        lock (_flushing)
        {
            // One that began after we were asked has done it for us.
            if (_lastFlushThatSucceeded > begun)
            {
                return DiskResult.Ok;
            }

            long number = Interlocked.Increment(ref _flushesBegun);
            DiskResult result = WriteTables();
            if (result == DiskResult.Ok)
            {
                _lastFlushThatSucceeded = number;
                result = ReleaseFrees();
            }

            return result;
        }
    }

    // With _flushing. Counts, then the mapping; what was given up meanwhile waits until no request can have seen it.
    private DiskResult WriteTables()
    {
        int[] blocks;
        int[] tops;
        ulong[] topValues;
        bool maps;
        lock (_gate)
        {
            DiskResult placed = PlaceCountTable();
            if (placed != DiskResult.Ok)
            {
                return placed;
            }

            Counts.Pages.Freeze();
            blocks = Counts.TakeChangedEntries();
            maps = _maps.HasDirty;
            _maps.Freeze();
            tops = [.. _l1Changed];
            topValues = Array.ConvertAll(tops, t => _l1[t]);
            _l1Changed.Clear();
            (_frees, _freesBeingWritten) = (_freesBeingWritten, _frees);
        }

        DiskResult counted = Counts.Pages.WriteFrozen();
        counted = counted == DiskResult.Ok ? WriteCountTable(blocks) : counted;
        DiskResult result = counted;
        if (result == DiskResult.Ok && (maps || tops.Length > 0))
        {
            result = Sync();
            result = result == DiskResult.Ok ? _maps.WriteFrozen() : result;
            result = result == DiskResult.Ok ? WriteTops(tops, topValues) : result;
        }

        result = result == DiskResult.Ok ? Sync() : result;
        lock (_gate)
        {
            Counts.Pages.Thaw(counted == DiskResult.Ok);
            _maps.Thaw(result == DiskResult.Ok);
            if (counted != DiskResult.Ok)
            {
                Counts.PutBack(blocks);
            }

            if (result == DiskResult.Ok)
            {
                _stable.AddRange(_freesBeingWritten);
            }
            else
            {
                _l1Changed.UnionWith(tops);
                _frees.AddRange(_freesBeingWritten);
            }

            _freesBeingWritten.Clear();
        }

        return result;
    }

    private DiskResult WriteTops(int[] tops, ulong[] values)
    {
        Span<byte> bytes = stackalloc byte[8];
        for (int i = 0; i < tops.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, values[i]);
            DiskResult result = _file.Write(_l1Offset + (tops[i] * 8L), bytes);
            if (result != DiskResult.Ok)
            {
                return result;
            }
        }

        return DiskResult.Ok;
    }

    // The blocks have been written; the table follows when they are on stable storage.
    private DiskResult WriteCountTable(int[] blocks)
    {
        Span<byte> bytes = stackalloc byte[8];
        DiskResult result = blocks.Length > 0 ? Sync() : DiskResult.Ok;
        for (int i = 0; i < blocks.Length && result == DiskResult.Ok; i++)
        {
            BinaryPrimitives.WriteInt64BigEndian(bytes, Counts.Blocks[blocks[i]]);
            result = _file.Write(Counts.TableOffset + (blocks[i] * 8L), bytes);
        }

        return result;
    }

    // With both locks; seldom. The table of counts has outgrown its place: it is written whole to another, with all that it needs
    // to be right there, and then the header names that.
    private DiskResult PlaceCountTable()
    {
        Span<byte> header = stackalloc byte[12];
        while (Counts.NeedsTablePlace)
        {
            int clusters = Counts.Blocks.Length * 8 >> _clusterBits;
            DiskResult result = Counts.TakeAll(clusters, out long first);
            if (result != DiskResult.Ok)
            {
                return result;
            }

            if (Counts.Blocks.Length * 8 >> _clusterBits != clusters)
            {
                // Taking it made it grow.
                _ = Counts.GiveBack(first, clusters);
                continue;
            }

            byte[] table = new byte[clusters << _clusterBits];
            for (int i = 0; i < Counts.Blocks.Length; i++)
            {
                BinaryPrimitives.WriteInt64BigEndian(table.AsSpan(8 * i), Counts.Blocks[i]);
            }

            int[] changed = Counts.TakeChangedEntries();
            Counts.Pages.Freeze();
            result = Counts.Pages.WriteFrozen();
            Counts.Pages.Thaw(result == DiskResult.Ok);
            result = result == DiskResult.Ok ? _file.Write(first << _clusterBits, table) : result;
            result = result == DiskResult.Ok ? Sync() : result;
            if (result == DiskResult.Ok)
            {
                BinaryPrimitives.WriteInt64BigEndian(header, first << _clusterBits);
                BinaryPrimitives.WriteInt32BigEndian(header[8..], clusters);
                result = _file.Write(48, header);
                result = result == DiskResult.Ok ? Sync() : result;
            }

            if (result != DiskResult.Ok)
            {
                Counts.PutBack(changed);
                _ = Counts.GiveBack(first, clusters);
                return result;
            }

            for (int i = 0; i < clusters; i++)
            {
                _ = _tables.Add(first + i);
            }

            for (long old = Counts.TableOffset; old < Counts.TableOffset + Counts.TableBytesOnDisk; old += ClusterBytes)
            {
                _frees.Add(~(old >> _clusterBits));
            }

            Counts.MovedTable(first << _clusterBits, table.Length);
        }

        return DiskResult.Ok;
    }

    // With _flushing. What was given up may be used again once no request can have seen it; its storage goes back to the host first.
    private DiskResult ReleaseFrees()
    {
        for (int round = 0; round < 2; round++)
        {
            lock (_gate)
            {
                if (!_epochs.OldAreOver)
                {
                    break;
                }

                (_released, _quarantine) = (_quarantine, _released);
                (_quarantine, _stable) = (_stable, _quarantine);
                _epochs.Turn();
                _released.RemoveAll(f => !LosesItsLastUse(f));
            }

            GiveStorageBack();
            lock (_gate)
            {
                DropCounts();
            }
        }

        bool write;
        lock (_gate)
        {
            write = Counts.Pages.HasDirty;
            Counts.Pages.Freeze();
        }

        DiskResult result = write ? Counts.Pages.WriteFrozen() : DiskResult.Ok;
        lock (_gate)
        {
            Counts.Pages.Thaw(result == DiskResult.Ok);
        }

        return result;
    }

    // With both locks. A cluster that others still use (a snapshot does) only loses one of its uses.
    private bool LosesItsLastUse(long free)
    {
        long cluster = free < 0 ? ~free : free;
        if ((free >= 0 && _tables.Contains(cluster)) || Counts.Get(cluster, out ulong count) != DiskResult.Ok || count == 0)
        {
            return false;
        }

        if (count > 1)
        {
            _ = Counts.Set(cluster, count - 1);
            return false;
        }

        return true;
    }

    private void GiveStorageBack()
    {
        _released.Sort(static (a, b) => (a < 0 ? ~a : a).CompareTo(b < 0 ? ~b : b));
        for (int i = 0; i < _released.Count;)
        {
            long first = _released[i] < 0 ? ~_released[i] : _released[i];
            long end = first;
            for (; i < _released.Count && (_released[i] < 0 ? ~_released[i] : _released[i]) <= end; i++)
            {
                end = Math.Max(end, (_released[i] < 0 ? ~_released[i] : _released[i]) + 1);
            }

            // Where the host cannot, the cluster keeps its storage until it is used again.
            _ = _file.Discard(first << _clusterBits, (end - first) << _clusterBits);
        }
    }

    private void DropCounts()
    {
        foreach (long free in _released)
        {
            long cluster = free < 0 ? ~free : free;
            if (Counts.Set(cluster, 0) == DiskResult.Ok && free < 0)
            {
                _ = _tables.Remove(cluster);
            }
        }

        _released.Clear();
    }

    private DiskResult Sync() => _durable ? _file.Sync() : DiskResult.Ok;
}
