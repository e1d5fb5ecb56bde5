using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Disks.Compression;
using Bulkhead.Devices.Backends.Disks.Tables;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>A disk in a qcow2 image, over a backing disk or none.</summary>
/// <remarks>
/// Clusters are looked up and taken under one lock, data is transferred outside it. Tables change in memory and are written by
/// <see cref="Flush"/>, or when many have changed, in an order that keeps the file consistent at every moment: counts of what was
/// taken; then, when these and the data are on stable storage, the mapping; then, when that is too, the counts of what was given up. So
/// a process that dies leaves clusters that nobody uses at worst.
/// <para><i>Threading</i>: as <see cref="IDisk"/>. Lock order: <c>_flushing</c>, then <c>_gate</c>; the backing disk is asked outside
/// both. A cluster that is being filled is in <c>_busy</c>, and who wants to change it waits.</para>
/// <para><i>Source</i>: QEMU, docs/interop/qcow2.txt.</para>
/// </remarks>
internal sealed partial class Qcow2Disk : IResizableDisk
{
    private const int MapCacheBytes = 4 << 20;
    private const int CountCacheBytes = 1 << 20;
    private const int MostFrees = 1 << 15;

    private readonly IImageFile _file;
    private readonly IDisk? _backing;
    private readonly bool _durable;
    private readonly int _version;
    private readonly ulong _incompatible;
    private readonly int _clusterBits;
    private readonly int _l2Bits;
    private readonly object _gate = new();
    private readonly Lock _flushing = new();
    private readonly TablePages _maps;
    private readonly ClusterCounts? _counts;
    private readonly UnpackedClusters _unpacked;
    private readonly HashSet<long> _tables = [];
    private readonly HashSet<long> _busy = [];
    private readonly SortedSet<int> _l1Changed = [];
    private readonly RequestEpochs _epochs = new();
    private ulong[] _l1;
    private long _l1Offset;
    private long _size;

    private Qcow2Disk(IImageFile file, Qcow2Header header, IDisk? backing, bool readOnly, bool durable, ulong[] l1, long l1Offset, long sizeBytes)
    {
        _file = file;
        _backing = backing;
        _durable = durable;
        _version = header.Version;
        _incompatible = header.Incompatible;
        _clusterBits = header.ClusterBits;
        _l2Bits = header.L2Bits;
        _l1 = l1;
        _l1Offset = l1Offset;
        _size = sizeBytes;
        ReadOnly = readOnly;
        int pageBytes = Math.Min(4096, header.ClusterBytes);
        _maps = new TablePages(file, pageBytes, MapCacheBytes / pageBytes);
        _unpacked = new UnpackedClusters(file, header.Zstd ? new ZstdDecoder() : new DeflateDecoder(zlibHeader: false), header.ClusterBytes);
        if (!readOnly)
        {
            CollectTables(header);
            _counts = new ClusterCounts(file, header, ReadCountTable(file, header), _tables, CountCacheBytes / pageBytes);
            foreach (long block in _counts.Blocks)
            {
                _ = block == 0 || _tables.Add(block >> _clusterBits);
            }
        }
    }

    /// <inheritdoc/>
    public long SizeBytes => Volatile.Read(ref _size);

    /// <inheritdoc/>
    public bool ReadOnly { get; }

    private int ClusterBytes => 1 << _clusterBits;

    // What changes the disk exists where it may be changed.
    private ClusterCounts Counts => _counts ?? throw new System.Diagnostics.UnreachableException();

    /// <summary>Opens an image; takes the file and the backing disk over.</summary>
    /// <param name="file">The image's bytes.</param>
    /// <param name="header">Its header.</param>
    /// <param name="backing">What it is laid over, or null.</param>
    /// <param name="durable">Whether it is to outlive the process: a temporary one need not be synced.</param>
    /// <param name="snapshot">One of its snapshots, to be read in place of its present state.</param>
    internal static Qcow2Disk Open(IImageFile file, Qcow2Header header, IDisk? backing, bool durable = true, Qcow2Snapshot? snapshot = null)
    {
        bool readOnly = file.ReadOnly || snapshot is not null;
        if (!readOnly && (header.Incompatible & Qcow2Layout.Corrupt) != 0)
        {
            throw new OperatorException($"{file.Name} is marked as corrupt; mend it with 'qemu-img check -r all', or open it read-only.");
        }

        if (!readOnly && durable)
        {
            header = Qcow2Repair.Prepare(file, header);
        }

        int entries = snapshot?.L1Entries ?? header.L1Entries;
        long offset = snapshot?.L1Offset ?? header.L1Offset;
        ulong[] l1 = ReadTable(file, offset, entries);
        return new Qcow2Disk(file, header, backing, readOnly, durable, l1, offset, snapshot?.SizeBytes ?? header.SizeBytes);
    }

    /// <summary>Reads a table of numbers; what lies behind the file's end is zeros.</summary>
    internal static ulong[] ReadTable(IImageFile file, long offset, int entries)
    {
        byte[] bytes = new byte[entries * 8];
        if (file.Read(offset, bytes) != DiskResult.Ok)
        {
            throw new OperatorException($"{file.Name}: a table at byte {offset} cannot be read; check the host's disk.");
        }

        ulong[] table = new ulong[entries];
        for (int i = 0; i < entries; i++)
        {
            table[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(8 * i));
        }

        return table;
    }

    /// <summary>Reads the offsets of the blocks of reference counts.</summary>
    internal static long[] ReadCountTable(IImageFile file, Qcow2Header header)
    {
        ulong[] table = ReadTable(file, header.CountTableOffset, header.CountTableClusters << header.ClusterBits >> 3);
        foreach (ulong entry in table)
        {
            if ((entry & ~Qcow2Layout.OffsetMask) != 0 || (entry & (ulong)(header.ClusterBytes - 1)) != 0 || (long)entry > Math.Max(0, file.LengthBytes - 1))
            {
                throw new OperatorException($"{file.Name}: its table of reference counts is malformed; see 'qemu-img check', or open it read-only.");
            }
        }

        return Array.ConvertAll(table, static e => (long)e);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_counts is not null)
        {
            // Twice, for the counts of what the first gave up. Where it fails nothing is lost that was promised.
            bool good = Flush() == DiskResult.Ok && Flush() == DiskResult.Ok;
            if (good && _durable && _version >= 3)
            {
                Qcow2Repair.Finish(_file, _incompatible);
            }
        }

        _file.Dispose();
        _backing?.Dispose();
    }

    private void CollectTables(Qcow2Header header)
    {
        void Add(long offset, long length)
        {
            for (long cluster = offset >> _clusterBits; cluster << _clusterBits < offset + length; cluster++)
            {
                _ = _tables.Add(cluster);
            }
        }

        Add(0, 1);
        Add(header.L1Offset, header.L1Entries * 8L);
        Add(header.CountTableOffset, (long)header.CountTableClusters << _clusterBits);
        foreach (ulong entry in _l1)
        {
            if (IsTableEntry(entry))
            {
                _ = _tables.Add((long)(entry & Qcow2Layout.OffsetMask) >> _clusterBits);
            }
        }

        if (header.SnapshotCount > 0)
        {
            IReadOnlyList<Qcow2Snapshot> snapshots = Qcow2Snapshot.ReadAll(_file, header, out long listBytes);
            Add(header.SnapshotsOffset, listBytes);
            foreach (Qcow2Snapshot snapshot in snapshots)
            {
                Add(snapshot.L1Offset, snapshot.L1Entries * 8L);
            }
        }
    }

    // An entry of the top-level table (L1) that names a table inside the file.
    private bool IsTableEntry(ulong entry)
    {
        long offset = (long)(entry & Qcow2Layout.OffsetMask);
        return (entry & ~(Qcow2Layout.Copied | Qcow2Layout.OffsetMask)) == 0 && offset != 0
            && (offset & (ClusterBytes - 1)) == 0 && offset < Math.Max(_file.LengthBytes, _counts is null ? 0 : _counts.EndCluster << _clusterBits);
    }
}
