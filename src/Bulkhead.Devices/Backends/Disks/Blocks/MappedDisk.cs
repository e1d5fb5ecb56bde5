using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Disks.Tables;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks.Blocks;

/// <summary>A disk whose blocks stand anywhere in a file, as a table of 32-bit numbers says.</summary>
/// <remarks>
/// A block gets a place at its first write, and keeps it. The table changes in memory; <see cref="Flush"/> writes it when the data
/// is on stable storage, so that a process or host that dies leaves places that nobody uses at worst.
/// <para><i>Threading</i>: as <see cref="IDisk"/>. Lock order: <c>_flushing</c>, then <c>_gate</c>. A block that is being filled is in
/// <c>_busy</c>, and who wants to write it waits.</para>
/// </remarks>
internal sealed class MappedDisk : IDisk
{
    private const int PageBytes = 512;
    private const int CachedPages = 8192;

    private readonly IImageFile _file;
    private readonly IBlockMap _map;
    private readonly object _gate = new();
    private readonly Lock _flushing = new();
    private readonly TablePages _pages;
    private readonly HashSet<long> _busy = [];
    private readonly Stack<(long Offset, uint Entry)> _spare = new();

    internal MappedDisk(IImageFile file, IBlockMap map, long sizeBytes)
    {
        _file = file;
        _map = map;
        _pages = new TablePages(file, PageBytes, CachedPages);
        SizeBytes = sizeBytes;
    }

    /// <inheritdoc/>
    public long SizeBytes { get; }

    /// <inheritdoc/>
    public bool ReadOnly => _file.ReadOnly;

    /// <inheritdoc/>
    public DiskResult Read(long offset, ScatteredBytes data)
    {
        if (!DiskRange.IsInside(offset, data.Length, SizeBytes))
        {
            return DiskResult.IoError;
        }

        while (data.Length > 0)
        {
            int count = InBlock(offset, data.Length);
            DiskResult result = Find(offset, out long place);
            if (result == DiskResult.Ok && place != 0)
            {
                result = _file.Read(place, data[..count]);
            }
            else if (result == DiskResult.Ok)
            {
                data[..count].Clear();
            }

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
    public DiskResult Write(long offset, ReadOnlyScatteredBytes data)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, data.Length);
        bool crowded;
        lock (_gate)
        {
            crowded = _pages.IsCrowded;
        }

        result = result == DiskResult.Ok && crowded ? Flush() : result;
        while (data.Length > 0 && result == DiskResult.Ok)
        {
            int count = InBlock(offset, data.Length);
            result = WriteBlock(offset, data[..count]);
            offset += count;
            data = data[count..];
        }

        return result;
    }

    /// <inheritdoc/>
    public DiskResult Flush()
    {
        if (ReadOnly)
        {
            return DiskResult.Ok;
        }

        lock (_flushing)
        {
            bool changed;
            lock (_gate)
            {
                changed = _pages.HasDirty;
                _pages.Freeze();
            }

            DiskResult result = _file.Sync();
            if (changed)
            {
                result = result == DiskResult.Ok ? WritePages() : result;
                result = result == DiskResult.Ok ? _map.WriteHeader(_file) : result;
                result = result == DiskResult.Ok ? _file.Sync() : result;
                lock (_gate)
                {
                    _pages.Thaw(result == DiskResult.Ok);
                }
            }

            return result;
        }
    }

    /// <inheritdoc/>
    public DiskResult Discard(long offset, long length)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, length);
        return result == DiskResult.Ok ? OnPlaces(offset, length, (at, count) => _file.Discard(at, count)) : result;
    }

    /// <inheritdoc/>
    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, length);
        return result == DiskResult.Ok ? OnPlaces(offset, length, (at, count) => _file.WriteZeroes(at, count, mayUnmap)) : result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Where it fails nothing is lost that was promised.
        _ = Flush();
        _file.Dispose();
    }

    private int InBlock(long offset, long length) => (int)Math.Min(length, _map.BlockBytes - (offset & (_map.BlockBytes - 1)));

    // Blocks that have no place are zeros already.
    private DiskResult OnPlaces(long offset, long length, Func<long, long, DiskResult> change)
    {
        while (length > 0)
        {
            int count = InBlock(offset, length);
            DiskResult result;
            lock (_gate)
            {
                if (_busy.Contains(offset / _map.BlockBytes))
                {
                    _ = Monitor.Wait(_gate);
                    continue;
                }
            }

            result = Find(offset, out long place);
            result = result == DiskResult.Ok && place != 0 ? change(place, count) : result;
            if (result != DiskResult.Ok)
            {
                return result;
            }

            offset += count;
            length -= count;
        }

        return DiskResult.Ok;
    }

    private DiskResult Find(long offset, out long place)
    {
        lock (_gate)
        {
            return FindLocked(offset, out place);
        }
    }

    // Where a byte of the disk stands; 0 for nowhere.
    private DiskResult FindLocked(long offset, out long place)
    {
        place = 0;
        long at = _map.EntryOffset(offset / _map.BlockBytes);
        if (at == 0)
        {
            return DiskResult.Ok;
        }

        DiskResult result = _pages.Get(at, out TablePage? page);
        if (page is null)
        {
            return result;
        }

        uint entry = BinaryPrimitives.ReadUInt32LittleEndian(page.Data.AsSpan((int)(at & (PageBytes - 1))));
        if (!_map.TryLocate(entry, _file.LengthBytes, out place))
        {
            return DiskResult.IoError;
        }

        place += place == 0 ? 0 : offset & (_map.BlockBytes - 1);
        return DiskResult.Ok;
    }

    private DiskResult WriteBlock(long offset, ReadOnlyScatteredBytes data)
    {
        long block = offset / _map.BlockBytes;
        long place;
        (long Offset, uint Entry) taken = default;
        bool fresh = false;
        lock (_gate)
        {
            while (_busy.Contains(block))
            {
                _ = Monitor.Wait(_gate);
            }

            DiskResult found = FindLocked(offset, out place);
            if (found == DiskResult.Ok && place == 0)
            {
                found = Take(out taken, out fresh);
            }

            if (found != DiskResult.Ok)
            {
                return found;
            }

            if (place == 0)
            {
                _ = _busy.Add(block);
            }
        }

        if (place != 0)
        {
            return _file.Write(place, data);
        }

        DiskResult result = fresh ? DiskResult.Ok : _file.WriteZeroes(taken.Offset, _map.BlockBytes, mayUnmap: false);
        result = result == DiskResult.Ok ? _file.Write(taken.Offset + (offset & (_map.BlockBytes - 1)), data) : result;
        lock (_gate)
        {
            result = result == DiskResult.Ok ? Name(block, taken.Entry) : result;
            if (result != DiskResult.Ok)
            {
                _spare.Push(taken);
            }

            _ = _busy.Remove(block);
            Monitor.PulseAll(_gate);
        }

        return result;
    }

    // Fresh places lie behind the end of the file, which then ends behind them.
    private DiskResult Take(out (long Offset, uint Entry) taken, out bool fresh)
    {
        fresh = false;
        if (_spare.TryPop(out taken))
        {
            return DiskResult.Ok;
        }

        DiskResult result = _map.Take(_file.LengthBytes, out taken.Offset, out taken.Entry);
        if (result != DiskResult.Ok)
        {
            return result;
        }

        fresh = taken.Offset >= _file.LengthBytes;
        long end = taken.Offset + _map.BlockBytes;
        result = end > _file.LengthBytes ? _file.SetLength(end) : DiskResult.Ok;
        if (result != DiskResult.Ok)
        {
            _spare.Push(taken);
        }

        return result;
    }

    private DiskResult Name(long block, uint entry)
    {
        long at = _map.EntryOffset(block);
        DiskResult result = _pages.Get(at, out TablePage? page);
        if (page is not null)
        {
            page = _pages.Change(page);
            BinaryPrimitives.WriteUInt32LittleEndian(page.Data.AsSpan((int)(at & (PageBytes - 1))), entry);
            _map.Added();
        }

        return result;
    }

    private DiskResult WritePages()
    {
        DiskResult result = DiskResult.Ok;
        foreach (TablePage page in _pages.Frozen)
        {
            long mirror = _map.MirrorOf(page.Offset);
            result = result == DiskResult.Ok && mirror != 0 ? _file.Write(mirror, page.Data) : result;
        }

        return result == DiskResult.Ok ? _pages.WriteFrozen() : result;
    }
}
