using Bulkhead.Devices.Backends.Disks.Tables;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>The reference counts of an image's clusters: which are free, and taking and giving them back.</summary>
/// <remarks>
/// Counts change in memory; <see cref="Qcow2Disk"/> writes them before whatever refers to a new cluster. New blocks of counts are laid
/// where the file ends, behind what is taken there.
/// <para><i>Shape</i>: a table of the offsets of blocks, whole in memory (8 MiB at most), and pages of the blocks.</para>
/// <para><i>Threading</i>: under the disk's lock.</para>
/// </remarks>
internal sealed class ClusterCounts
{
    private const int PagesLookedThrough = 64;
    private const int MostTriesAtEnd = 64;

    private readonly IImageFile _file;
    private readonly CountWidth _width;
    private readonly int _clusterBits;
    private readonly HashSet<long> _tables;
    private readonly SortedSet<int> _changed = [];
    private long[] _blocks;
    private long _end;
    private long _free;

    /// <summary>Creates the counts of an image; <paramref name="tables"/> are the clusters that hold tables, and is kept up to date.</summary>
    internal ClusterCounts(IImageFile file, Qcow2Header header, long[] blocks, HashSet<long> tables, int cachePages)
    {
        _file = file;
        _width = new CountWidth(header.CountOrder);
        _clusterBits = header.ClusterBits;
        _blocks = blocks;
        _tables = tables;
        _end = Math.Max((file.LengthBytes + ClusterBytes - 1) >> _clusterBits, tables.Max() + 1);
        TableOffset = header.CountTableOffset;
        TableBytesOnDisk = (long)header.CountTableClusters << _clusterBits;
        Pages = new TablePages(file, Math.Min(4096, header.ClusterBytes), cachePages);
    }

    /// <summary>The pages of the blocks.</summary>
    internal TablePages Pages { get; }

    /// <summary>Where the table of blocks stands.</summary>
    internal long TableOffset { get; private set; }

    /// <summary>How long the table of blocks is in the file.</summary>
    internal long TableBytesOnDisk { get; private set; }

    /// <summary>Whether the table of blocks has grown beyond its place and needs another.</summary>
    internal bool NeedsTablePlace => _blocks.Length * 8L > TableBytesOnDisk;

    /// <summary>Entries of the table of blocks that the file does not have yet.</summary>
    internal bool HasChangedEntries => _changed.Count > 0;

    /// <summary>The offsets of the blocks.</summary>
    internal ReadOnlySpan<long> Blocks => _blocks;

    /// <summary>Clusters of the file, and what is taken behind its end.</summary>
    internal long EndCluster => _end;

    private int ClusterBytes => 1 << _clusterBits;

    private int BlockLog2 => _width.CountsLog2(_clusterBits);

    /// <summary>The entries of the table of blocks that changed since the last call.</summary>
    internal int[] TakeChangedEntries()
    {
        int[] changed = [.. _changed];
        _changed.Clear();
        return changed;
    }

    /// <summary>Says that entries could not be written.</summary>
    internal void PutBack(int[] entries) => _changed.UnionWith(entries);

    /// <summary>The count of a cluster; 0 where there is no block for it.</summary>
    internal DiskResult Get(long cluster, out ulong count)
    {
        count = 0;
        DiskResult result = Find(cluster, out TablePage? page, out int index);
        if (page is not null)
        {
            count = _width.Get(page.Data, index);
        }

        return result;
    }

    /// <summary>Gives a cluster another count; its block is there.</summary>
    internal DiskResult Set(long cluster, ulong count)
    {
        DiskResult result = Find(cluster, out TablePage? page, out int index);
        if (page is null)
        {
            return result == DiskResult.Ok ? DiskResult.IoError : result;
        }

        page = Pages.Change(page);
        _width.Set(page.Data, index, Math.Min(count, _width.Max));
        if (count == 0)
        {
            _free = Math.Min(_free, cluster);
        }

        return DiskResult.Ok;
    }

    /// <summary>Takes up to <paramref name="wanted"/> clusters that follow one another.</summary>
    internal DiskResult Take(int wanted, out long first, out int taken)
    {
        DiskResult result = TakeFreed(wanted, out first, out taken);
        return result != DiskResult.Ok || taken > 0 ? result : TakeAtEnd(wanted, all: false, out first, out taken);
    }

    /// <summary>Takes clusters that follow one another, all or none.</summary>
    internal DiskResult TakeAll(int wanted, out long first) => TakeAtEnd(wanted, all: true, out first, out _);

    /// <summary>Gives back what was taken and never used.</summary>
    internal DiskResult GiveBack(long first, int count)
    {
        DiskResult result = DiskResult.Ok;
        for (int i = 0; i < count && result == DiskResult.Ok; i++)
        {
            result = Set(first + i, 0);
        }

        return result;
    }

    /// <summary>Makes blocks for clusters from <paramref name="first"/> on, behind them; every cluster from there on is free.</summary>
    /// <remarks>Blocks take room that may need blocks itself: their number is the first that is enough for both.</remarks>
    internal DiskResult AddBlocks(long first, long count, out int added)
    {
        added = 0;
        int needed = 0;
        for (int missing; (missing = MissingBlocks(first, count + needed)) != needed;)
        {
            needed = missing;
        }

        long last = (first + count + needed - 1) >> BlockLog2;
        if (last >= Qcow2Layout.MaxCountTableBytes / 8)
        {
            return DiskResult.NoSpace;
        }

        if (last >= _blocks.Length)
        {
            // Half as much again, in whole clusters, so that the table seldom moves.
            long entries = Math.Min(Qcow2Layout.MaxCountTableBytes / 8, last + 1 + (last / 2));
            long perCluster = ClusterBytes / 8;
            Array.Resize(ref _blocks, (int)((entries + perCluster - 1) / perCluster * perCluster));
        }

        // All before the first is used: one may count another, so that without all of them there must be none.
        byte[] zeros = new byte[needed > 0 ? ClusterBytes : 0];
        for (int i = 0; i < needed; i++)
        {
            DiskResult result = _file.Write((first + count + i) << _clusterBits, zeros);
            if (result != DiskResult.Ok)
            {
                return result;
            }
        }

        for (long block = first >> BlockLog2; block <= last; block++)
        {
            if (_blocks[block] != 0)
            {
                continue;
            }

            long place = first + count + added;
            Pages.Drop(place << _clusterBits, ClusterBytes);
            _blocks[block] = place << _clusterBits;
            _ = _changed.Add((int)block);
            _ = _tables.Add(place);
            _end = Math.Max(_end, place + 1);
            added++;
        }

        for (int i = 0; i < added; i++)
        {
            DiskResult result = Set(first + count + i, 1);
            if (result != DiskResult.Ok)
            {
                return result;
            }
        }

        return DiskResult.Ok;
    }

    /// <summary>The table of blocks stands elsewhere now.</summary>
    internal void MovedTable(long offset, long lengthBytes)
    {
        TableOffset = offset;
        TableBytesOnDisk = lengthBytes;
    }

    private int MissingBlocks(long first, long count)
    {
        int missing = 0;
        for (long block = first >> BlockLog2; block <= (first + count - 1) >> BlockLog2; block++)
        {
            missing += block >= _blocks.Length || _blocks[block] == 0 ? 1 : 0;
        }

        return missing;
    }

    private DiskResult TakeFreed(int wanted, out long first, out int taken)
    {
        first = 0;
        taken = 0;
        int pages = 0;
        TablePage? last = null;
        while (_free < _end)
        {
            DiskResult result = Find(_free, out TablePage? page, out int index);
            if (result != DiskResult.Ok)
            {
                return result;
            }

            if (page is null)
            {
                // No block: what it would hold is never handed out from here. Behind the last there is nothing more to look at.
                long block = _free >> BlockLog2;
                _free = block >= _blocks.Length ? _end : (block + 1) << BlockLog2;
                continue;
            }

            if (!ReferenceEquals(page, last) && pages++ > PagesLookedThrough)
            {
                return DiskResult.Ok;
            }

            last = page;
            if (_width.Get(page.Data, index) != 0 || _tables.Contains(_free))
            {
                _free++;
                continue;
            }

            first = _free;
            while (taken < wanted && _free < _end && !_tables.Contains(_free) && Get(_free, out ulong count) == DiskResult.Ok && count == 0
                && Set(_free, 1) == DiskResult.Ok)
            {
                _free++;
                taken++;
            }

            return DiskResult.Ok;
        }

        return DiskResult.Ok;
    }

    private DiskResult TakeAtEnd(int wanted, bool all, out long first, out int taken)
    {
        taken = 0;
        first = _end;
        for (int tries = 0; tries < MostTriesAtEnd; tries++)
        {
            first = _end;
            DiskResult result = AddBlocks(first, wanted, out int added);
            if (result != DiskResult.Ok)
            {
                return result;
            }

            int free = 0;
            while (free < wanted && !_tables.Contains(first + free) && (result = Get(first + free, out ulong count)) == DiskResult.Ok && count == 0)
            {
                free++;
            }

            if (result != DiskResult.Ok)
            {
                return result;
            }

            if (free < (all ? wanted : 1))
            {
                // Counted behind the end of the file: malformed, and left alone.
                _end = Math.Max(_end, first + free + 1);
                continue;
            }

            for (; taken < free && result == DiskResult.Ok; taken++)
            {
                result = Set(first + taken, 1);
            }

            _end = Math.Max(_end, first + (added > 0 ? wanted + added : free));
            return result;
        }

        return DiskResult.NoSpace;
    }

    private DiskResult Find(long cluster, out TablePage? page, out int index)
    {
        page = null;
        index = 0;
        long block = cluster >> BlockLog2;
        if (block >= _blocks.Length || _blocks[block] == 0)
        {
            return DiskResult.Ok;
        }

        int pageLog2 = _width.CountsLog2(int.Log2(Pages.PageBytes));
        long inBlock = cluster & ((1L << BlockLog2) - 1);
        index = (int)(inBlock & ((1L << pageLog2) - 1));
        return Pages.Get(_blocks[block] + (inBlock >> pageLog2 << int.Log2(Pages.PageBytes)), out page);
    }
}
