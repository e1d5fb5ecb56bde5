using System.Buffers.Binary;
using System.Text;
using Bulkhead.Host;
using static Bulkhead.Devices.Backends.Disks.Qcow2.Qcow2Layout;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>The header of a qcow2 image, checked.</summary>
internal sealed record class Qcow2Header
{
    internal int Version { get; init; } = 3;

    internal int ClusterBits { get; init; } = DefaultClusterBits;

    internal long SizeBytes { get; init; }

    internal int L1Entries { get; init; }

    internal long L1Offset { get; init; }

    internal long CountTableOffset { get; init; }

    internal int CountTableClusters { get; init; }

    internal int SnapshotCount { get; init; }

    internal long SnapshotsOffset { get; init; }

    internal ulong Incompatible { get; init; }

    internal ulong Compatible { get; init; }

    internal ulong Autoclear { get; init; }

    internal int CountOrder { get; init; } = 4;

    internal bool Zstd { get; init; }

    internal string? BackingFile { get; init; }

    internal string? BackingFormat { get; init; }

    internal long BitmapDirectoryOffset { get; init; }

    internal long BitmapDirectoryBytes { get; init; }

    internal int BitmapCount { get; init; }

    internal int ClusterBytes => 1 << ClusterBits;

    /// <summary>Entries of a mapping table.</summary>
    internal int L2Bits => ClusterBits - 3;

    /// <summary>Top-level entries a disk of some size needs.</summary>
    internal static long L1EntriesFor(long sizeBytes, int clusterBits)
    {
        int shift = clusterBits + clusterBits - 3;
        return (sizeBytes >> shift) + ((sizeBytes & ((1L << shift) - 1)) == 0 ? 0 : 1);
    }

    /// <summary>Reads and checks the header of an image.</summary>
    internal static Qcow2Header Read(IImageFile file)
    {
        byte[] bytes = new byte[(int)Math.Min(file.LengthBytes, 1 << 16)];
        if (bytes.Length < HeaderBytesV2 || file.Read(0, bytes) != DiskResult.Ok)
        {
            throw Wrong(file, "its header cannot be read");
        }

        ReadOnlySpan<byte> head = bytes;
        uint version = Word(head, 4);
        Check(file, Word(head, 0) == Magic, "it is no qcow2 image");
        Check(file, version is 2 or 3, $"it is of qcow2 version {version}, and 2 and 3 are known");
        int headerBytes = version == 2 ? HeaderBytesV2 : (int)Math.Min(bytes.Length < HeaderBytesV3 ? 0 : Word(head, 100), int.MaxValue);
        uint clusterBits = Word(head, 20);
        Check(file, clusterBits is >= MinClusterBits and <= MaxClusterBits, $"its clusters are of 2^{clusterBits} bytes, not of 512 to 2 MiB");
        Check(file, version == 2 || (headerBytes >= HeaderBytesV3 && headerBytes % 8 == 0 && headerBytes <= Math.Min(bytes.Length, 1 << (int)clusterBits)), "its header's length is wrong");
        var header = new Qcow2Header
        {
            Version = (int)version,
            ClusterBits = (int)clusterBits,
            SizeBytes = Number(file, head, 24) & -DiskRange.SectorBytes,
            L1Entries = (int)Math.Min(Word(head, 36), int.MaxValue),
            L1Offset = Number(file, head, 40),
            CountTableOffset = Number(file, head, 48),
            CountTableClusters = (int)Math.Min(Word(head, 56), int.MaxValue),
            SnapshotCount = (int)Math.Min(Word(head, 60), int.MaxValue),
            SnapshotsOffset = Number(file, head, 64),
            Incompatible = version == 2 ? 0 : BinaryPrimitives.ReadUInt64BigEndian(head[72..]),
            Compatible = version == 2 ? 0 : BinaryPrimitives.ReadUInt64BigEndian(head[80..]),
            Autoclear = version == 2 ? 0 : BinaryPrimitives.ReadUInt64BigEndian(head[88..]),
            CountOrder = version == 2 ? 4 : (int)Math.Min(Word(head, 96), int.MaxValue),
        };
        CheckFeatures(file, header, Word(head, 32), head, headerBytes);
        header.CheckTables(file);
        if ((header.Incompatible & CompressionType) != 0)
        {
            Check(file, headerBytes > HeaderBytesV3 && head[104] is 0 or 1, "its clusters are compressed in a way that is not known; only deflate and zstd are");
            header = header with { Zstd = head[104] == 1 };
        }

        return header.ReadNames(file, head, headerBytes);
    }

    /// <summary>Writes a header of version 3, with its extensions and the name of the backing file, into the first cluster.</summary>
    internal void Write(Span<byte> cluster)
    {
        BinaryPrimitives.WriteUInt32BigEndian(cluster, Magic);
        BinaryPrimitives.WriteUInt32BigEndian(cluster[4..], (uint)Version);
        BinaryPrimitives.WriteUInt32BigEndian(cluster[20..], (uint)ClusterBits);
        BinaryPrimitives.WriteInt64BigEndian(cluster[24..], SizeBytes);
        BinaryPrimitives.WriteInt32BigEndian(cluster[36..], L1Entries);
        BinaryPrimitives.WriteInt64BigEndian(cluster[40..], L1Offset);
        BinaryPrimitives.WriteInt64BigEndian(cluster[48..], CountTableOffset);
        BinaryPrimitives.WriteInt32BigEndian(cluster[56..], CountTableClusters);
        BinaryPrimitives.WriteInt32BigEndian(cluster[96..], CountOrder);
        BinaryPrimitives.WriteInt32BigEndian(cluster[100..], HeaderBytes);
        int at = HeaderBytes;
        if (BackingFile is not null)
        {
            byte[] format = Encoding.UTF8.GetBytes(BackingFormat ?? "raw");
            BinaryPrimitives.WriteUInt32BigEndian(cluster[at..], BackingFormatExtension);
            BinaryPrimitives.WriteInt32BigEndian(cluster[(at + 4)..], format.Length);
            format.CopyTo(cluster[(at + 8)..]);
            at += 8 + ((format.Length + 7) & -8) + 8;
            byte[] name = Encoding.UTF8.GetBytes(BackingFile);
            BinaryPrimitives.WriteInt64BigEndian(cluster[8..], at);
            BinaryPrimitives.WriteInt32BigEndian(cluster[16..], name.Length);
            name.CopyTo(cluster[at..]);
        }
    }

    private static void CheckFeatures(IImageFile file, Qcow2Header header, uint encryption, ReadOnlySpan<byte> head, int headerBytes)
    {
        Check(file, encryption == 0, "it is encrypted, which is not supported; decrypt it with 'qemu-img convert'", fix: null);
        Check(file, (header.Incompatible & ExternalData) == 0, "its data stands in another file, which is not supported; join them with 'qemu-img convert'", fix: null);
        Check(file, (header.Incompatible & ExtendedL2) == 0, "it has subclusters, which are not supported; convert it with 'qemu-img convert -O qcow2'", fix: null);
        ulong unknown = header.Incompatible & ~(Dirty | Corrupt | CompressionType);
        if (unknown != 0)
        {
            throw Wrong(file, $"it needs features that are not known: {FeatureNames(head, headerBytes, unknown)}", "convert it with a newer 'qemu-img convert -O qcow2'");
        }

        Check(file, header.CountOrder <= 6, $"its reference counts have 2^{header.CountOrder} bits, and 64 is the most");
    }

    private static string FeatureNames(ReadOnlySpan<byte> head, int headerBytes, ulong unknown)
    {
        var names = new List<string>();
        for (int bit = 0; bit < 64; bit++)
        {
            if ((unknown >> bit & 1) != 0)
            {
                string name = $"bit {bit}";
                foreach ((uint kind, int start, int length) in Extensions(head, headerBytes))
                {
                    for (int at = 0; kind == FeatureNamesExtension && at + 48 <= length; at += 48)
                    {
                        ReadOnlySpan<byte> entry = head.Slice(start + at, 48);
                        if (entry[0] == 0 && entry[1] == bit)
                        {
                            name = new string([.. Encoding.UTF8.GetString(entry[2..]).TrimEnd('\0').Where(static c => !char.IsControl(c))]);
                        }
                    }
                }

                names.Add(name);
            }
        }

        return string.Join(", ", names);
    }

    // Kind, start and length of each extension, as far as they are well formed.
    private static List<(uint Kind, int Start, int Length)> Extensions(ReadOnlySpan<byte> head, int at)
    {
        var found = new List<(uint, int, int)>();
        while (at + 8 <= head.Length && found.Count < 64)
        {
            uint kind = Word(head, at);
            uint length = Word(head, at + 4);
            if (kind == 0 || length > head.Length - at - 8)
            {
                break;
            }

            found.Add((kind, at + 8, (int)length));
            at += 8 + (((int)length + 7) & -8);
        }

        return found;
    }

    private static uint Word(ReadOnlySpan<byte> head, int at) => BinaryPrimitives.ReadUInt32BigEndian(head[at..]);

    private static long Number(IImageFile file, ReadOnlySpan<byte> head, int at)
    {
        long value = BinaryPrimitives.ReadInt64BigEndian(head[at..]);
        Check(file, value is >= 0 and < 1L << 56 || (at == 24 && value >= 0), "an offset in its header is out of range");
        return value;
    }

    private static void Check(IImageFile file, bool good, string wrong) => Check(file, good, wrong, "copy it again from where it came, or see 'qemu-img check'");

    private static void Check(IImageFile file, bool good, string wrong, string? fix)
    {
        if (!good)
        {
            throw Wrong(file, wrong, fix);
        }
    }

    private static OperatorException Wrong(IImageFile file, string wrong, string? fix = "copy it again from where it came, or see 'qemu-img check'") =>
        new(fix is null ? $"{file.Name}: {wrong}." : $"{file.Name}: {wrong}; {fix}.");

    private void CheckTables(IImageFile file)
    {
        Check(file, L1Entries <= MaxL1Bytes / 8, "its mapping table is larger than 32 MiB");
        Check(file, L1Entries >= L1EntriesFor(SizeBytes, ClusterBits), "its mapping table is too small for the size of its disk");
        Check(file, L1Entries == 0 || IsTable(file, L1Offset, L1Entries * 8L), "its mapping table lies outside the file");
        Check(file, CountTableClusters > 0 && (long)CountTableClusters << ClusterBits <= MaxCountTableBytes, "its table of reference counts is empty or larger than 8 MiB");
        Check(file, IsTable(file, CountTableOffset, (long)CountTableClusters << ClusterBits), "its table of reference counts lies outside the file");
        Check(file, SnapshotCount <= MaxSnapshots, $"it has {SnapshotCount} snapshots, and {MaxSnapshots} are the most");
        Check(file, SnapshotCount == 0 || IsTable(file, SnapshotsOffset, 40L * SnapshotCount), "its list of snapshots lies outside the file");
    }

    // Behind the header, at a cluster, and with no more than the rest of a cluster behind the end of the file.
    private bool IsTable(IImageFile file, long offset, long length) =>
        offset >= ClusterBytes && (offset & (ClusterBytes - 1)) == 0 && offset < file.LengthBytes && length <= file.LengthBytes - offset + ClusterBytes;

    private Qcow2Header ReadNames(IImageFile file, ReadOnlySpan<byte> head, int headerBytes)
    {
        Qcow2Header header = this;
        foreach ((uint kind, int start, int length) in Extensions(head[..Math.Min(head.Length, ClusterBytes)], headerBytes))
        {
            if (kind == BackingFormatExtension)
            {
                header = header with { BackingFormat = Text(file, head.Slice(start, length)) };
            }
            else if (kind == BitmapsExtension && length >= 24)
            {
                header = header with
                {
                    BitmapCount = (int)Math.Min(Word(head, start), int.MaxValue),
                    BitmapDirectoryBytes = BinaryPrimitives.ReadInt64BigEndian(head[(start + 8)..]),
                    BitmapDirectoryOffset = BinaryPrimitives.ReadInt64BigEndian(head[(start + 16)..]),
                };
            }
        }

        ulong nameOffset = BinaryPrimitives.ReadUInt64BigEndian(head[8..]);
        uint nameBytes = Word(head, 16);
        if (nameOffset == 0)
        {
            return header;
        }

        Check(file, nameBytes is > 0 and <= MaxNameBytes && nameOffset + nameBytes <= (ulong)Math.Min(head.Length, ClusterBytes), "the name of its backing file lies outside its header");
        return header with { BackingFile = Text(file, head.Slice((int)nameOffset, (int)nameBytes)) };
    }

    private static string Text(IImageFile file, ReadOnlySpan<byte> bytes)
    {
        string text = Encoding.UTF8.GetString(bytes);
        Check(file, text.All(static c => !char.IsControl(c)), "a name in its header holds control characters");
        return text;
    }
}
