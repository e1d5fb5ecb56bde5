using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>Counts what every table of an image refers to, and compares that with the image's own counts.</summary>
/// <remarks>Reads the file only. <i>Threading</i>: one thread; nobody writes the file meanwhile.</remarks>
internal sealed class Qcow2Checker
{
    private const int MostErrorsInWords = 100;

    private readonly IImageFile _file;
    private readonly Qcow2Header _header;
    private readonly UseCounts _uses;
    private readonly CountWidth _width;
    private readonly List<string> _errors = [];
    private readonly byte[] _table;
    private readonly byte[] _counts;
    private long[] _blocks = [];
    private long _loadedBlock = -1;
    private long _errorCount;
    private long _dataClusters;

    internal Qcow2Checker(IImageFile file, Qcow2Header header)
    {
        _file = file;
        _header = header;
        _width = new CountWidth(header.CountOrder);
        _uses = new UseCounts(file.Name, (file.LengthBytes + header.ClusterBytes - 1) >> header.ClusterBits);
        _table = new byte[header.ClusterBytes];
        _counts = new byte[header.ClusterBytes];
    }

    private int ClusterBits => _header.ClusterBits;

    /// <summary>How often each cluster is used, after <see cref="Check"/>.</summary>
    internal UseCounts Uses => _uses;

    /// <summary>Checks the whole image.</summary>
    internal CheckReport Check()
    {
        CountUses();
        long leaked = 0;
        long last = 0;
        int log2 = _width.CountsLog2(ClusterBits);
        for (int block = 0; block < _blocks.Length; block++)
        {
            for (long cluster = (long)block << log2; _blocks[block] != 0 && cluster < (long)(block + 1) << log2; cluster++)
            {
                ulong counted = CountOf(cluster);
                ulong used = _uses[cluster];
                last = counted != 0 || used != 0 ? cluster : last;
                leaked += counted > used ? 1 : 0;
                if (counted < used)
                {
                    Error($"cluster {cluster} is used {used} times and counted {counted} times");
                }

                if (counted == 0 && used == 0 && (cluster & 63) == 0 && IsBlank(block, cluster, log2))
                {
                    break;
                }
            }
        }

        CheckUncounted(log2);
        CheckCopied();
        return new CheckReport(_errors, _errorCount, leaked, _dataClusters, (_header.SizeBytes + _header.ClusterBytes - 1) >> ClusterBits, last + 1);
    }

    /// <summary>Counts the uses alone; true where every table was well formed.</summary>
    internal bool CountUses()
    {
        Use(0, 1, "the header");
        Use(_header.CountTableOffset, (long)_header.CountTableClusters << ClusterBits, "the table of counts");
        ReadBlocks();
        CountTop(_header.L1Offset, _header.L1Entries, "the disk", countData: true);
        if (_header.SnapshotCount > 0)
        {
            IReadOnlyList<Qcow2Snapshot> snapshots = Qcow2Snapshot.ReadAll(_file, _header, out long listBytes);
            foreach (Qcow2Snapshot snapshot in snapshots)
            {
                CountTop(snapshot.L1Offset, snapshot.L1Entries, $"snapshot {snapshot.Name}", countData: false);
            }

            Use(_header.SnapshotsOffset, listBytes, "the list of snapshots");
        }

        if ((_header.Autoclear & Qcow2Layout.Bitmaps) != 0)
        {
            CountBitmaps();
        }

        return _errorCount == 0;
    }

    private void ReadBlocks()
    {
        ulong[] table = Qcow2Disk.ReadTable(_file, _header.CountTableOffset, _header.CountTableClusters << ClusterBits >> 3);
        _blocks = new long[table.Length];
        for (int i = 0; i < table.Length; i++)
        {
            long offset = (long)(table[i] & Qcow2Layout.OffsetMask);
            if (table[i] == 0)
            {
                continue;
            }

            if ((table[i] & ~Qcow2Layout.OffsetMask) != 0 || (offset & (_header.ClusterBytes - 1)) != 0 || offset >= _file.LengthBytes)
            {
                Error($"block {i} of counts is at no cluster of the file");
                continue;
            }

            Use(offset, 1, $"block {i} of counts");
            if (_uses[offset >> ClusterBits] > 1)
            {
                Error($"block {i} of counts is something else as well");
                continue;
            }

            _blocks[i] = offset;
        }
    }

    private void CountTop(long offset, int entries, string of, bool countData)
    {
        Use(offset, entries * 8L, $"the mapping table of {of}");
        ulong[] top = Qcow2Disk.ReadTable(_file, offset, entries);
        var seen = new HashSet<long>();
        for (int i = 0; i < top.Length; i++)
        {
            long table = (long)(top[i] & Qcow2Layout.OffsetMask);
            if ((top[i] & ~Qcow2Layout.Copied) == 0)
            {
                continue;
            }

            if ((top[i] & ~(Qcow2Layout.Copied | Qcow2Layout.OffsetMask)) != 0 || (table & (_header.ClusterBytes - 1)) != 0 || table >= _file.LengthBytes)
            {
                Error($"entry {i} of the mapping of {of} is malformed");
                continue;
            }

            Use(table, 1, $"a mapping table of {of}");
            if (!seen.Add(table))
            {
                Error($"entries of the mapping of {of} share the table at byte {table}");
                continue;
            }

            if (_file.Read(table, _table) != DiskResult.Ok)
            {
                Error($"a mapping table of {of} at byte {table} cannot be read");
                continue;
            }

            for (int j = 0; j < _table.Length / 8; j++)
            {
                CountCluster(new MapEntry(BinaryPrimitives.ReadUInt64BigEndian(_table.AsSpan(8 * j))), of, countData, ((long)i << _header.L2Bits) + j);
            }
        }
    }

    private void CountCluster(MapEntry entry, string of, bool countData, long cluster)
    {
        ExtentKind kind = entry.Kind(_header.Version, ClusterBits, _file.LengthBytes);
        _dataClusters += countData && kind is ExtentKind.Data or ExtentKind.Compressed ? 1 : 0;
        if (kind == ExtentKind.Malformed)
        {
            Error($"cluster {cluster} of {of} has a malformed entry");
        }
        else if (kind == ExtentKind.Compressed)
        {
            (long offset, int length) = entry.CompressedRange(ClusterBits);
            Use(offset, length, $"compressed cluster {cluster} of {of}");
            if (entry.IsCopied)
            {
                Error($"compressed cluster {cluster} of {of} is marked as to be written in place");
            }
        }
        else if (entry.HostOffset != 0)
        {
            Use(entry.HostOffset, 1, $"cluster {cluster} of {of}");
        }
    }

    // Persistent bitmaps: a directory of tables of clusters.
    private void CountBitmaps()
    {
        long bytes = _header.BitmapDirectoryBytes;
        if (bytes is <= 0 or > 1 << 20 || _header.BitmapDirectoryOffset < 0 || _header.BitmapDirectoryOffset > _file.LengthBytes - bytes)
        {
            Error("the directory of bitmaps lies outside the file");
            return;
        }

        Use(_header.BitmapDirectoryOffset, bytes, "the directory of bitmaps");
        byte[] directory = new byte[bytes];
        _ = _file.Read(_header.BitmapDirectoryOffset, directory);
        int at = 0;
        for (int i = 0; i < _header.BitmapCount && at + 24 <= directory.Length; i++)
        {
            long table = BinaryPrimitives.ReadInt64BigEndian(directory.AsSpan(at));
            uint entries = BinaryPrimitives.ReadUInt32BigEndian(directory.AsSpan(at + 8));
            if (entries > Qcow2Layout.MaxCountTableBytes / 8 || table < 0 || table > _file.LengthBytes - (entries * 8L))
            {
                Error($"bitmap {i} lies outside the file");
                return;
            }

            Use(table, entries * 8L, $"bitmap {i}");
            foreach (ulong entry in Qcow2Disk.ReadTable(_file, table, (int)entries))
            {
                long cluster = (long)(entry & Qcow2Layout.OffsetMask);
                if (cluster != 0)
                {
                    Use(cluster, 1, $"a cluster of bitmap {i}");
                }
            }

            long extra = BinaryPrimitives.ReadUInt32BigEndian(directory.AsSpan(at + 20));
            long next = at + ((24 + BinaryPrimitives.ReadUInt16BigEndian(directory.AsSpan(at + 18)) + extra + 7) & -8);
            at = (int)Math.Min(next, directory.Length);
        }
    }

    // "Written in place" is said of what is counted once, and of nothing else.
    private void CheckCopied()
    {
        ulong[] top = Qcow2Disk.ReadTable(_file, _header.L1Offset, _header.L1Entries);
        for (int i = 0; i < top.Length; i++)
        {
            long table = (long)(top[i] & Qcow2Layout.OffsetMask);
            if (table == 0 || table >= _file.LengthBytes || (table & (_header.ClusterBytes - 1)) != 0)
            {
                continue;
            }

            CheckCopied(table, (top[i] & Qcow2Layout.Copied) != 0, $"mapping table {i}");
            if (_file.Read(table, _table) != DiskResult.Ok)
            {
                continue;
            }

            for (int j = 0; j < _table.Length / 8; j++)
            {
                var entry = new MapEntry(BinaryPrimitives.ReadUInt64BigEndian(_table.AsSpan(8 * j)));
                if (!entry.IsCompressed && entry.HostOffset != 0)
                {
                    CheckCopied(entry.HostOffset, entry.IsCopied, $"cluster {((long)i << _header.L2Bits) + j}");
                }
            }
        }
    }

    private void CheckCopied(long offset, bool copied, string of)
    {
        if (copied != (CountOf(offset >> ClusterBits) == 1))
        {
            Error(copied ? $"{of} is to be written in place though it is not its only user" : $"{of} is not to be written in place though it is its only user");
        }
    }

    private void Use(long offset, long length, string by)
    {
        for (long cluster = offset >> ClusterBits; cluster << ClusterBits < offset + length; cluster++)
        {
            if (!_uses.Add(cluster))
            {
                Error($"{by} lies outside the file");
                return;
            }
        }
    }

    // Whether nothing is counted or used from a cluster on to the end of its block.
    private bool IsBlank(int block, long cluster, int log2)
    {
        long end = (long)(block + 1) << log2;
        int from = (int)((cluster & ((1L << log2) - 1)) * _counts.Length >> log2);
        if (_counts.AsSpan(from).ContainsAnyExcept((byte)0))
        {
            return false;
        }

        long most = Math.Min(end, _uses.Clusters);
        while (cluster < most && _uses[cluster] == 0)
        {
            cluster++;
        }

        return cluster >= most;
    }

    private void CheckUncounted(int log2)
    {
        foreach (long piece in _uses.UsedPieces)
        {
            for (long cluster = piece << UseCounts.PieceBits; cluster < (piece + 1) << UseCounts.PieceBits; cluster++)
            {
                long block = cluster >> log2;
                if (_uses[cluster] != 0 && (block >= _blocks.Length || _blocks[block] == 0))
                {
                    Error($"cluster {cluster} is used {_uses[cluster]} times and not counted");
                }
            }
        }
    }

    private ulong CountOf(long cluster)
    {
        int log2 = _width.CountsLog2(ClusterBits);
        long block = cluster >> log2;
        if (block >= _blocks.Length || _blocks[block] == 0)
        {
            return 0;
        }

        if (_loadedBlock != block)
        {
            if (_file.Read(_blocks[block], _counts) != DiskResult.Ok)
            {
                Error($"block {block} of counts cannot be read");
                _counts.AsSpan().Clear();
            }

            _loadedBlock = block;
        }

        return _width.Get(_counts, (int)(cluster & ((1L << log2) - 1)));
    }

    private void Error(string words)
    {
        _errorCount++;
        if (_errors.Count < MostErrorsInWords)
        {
            _errors.Add(words);
        }
    }
}
