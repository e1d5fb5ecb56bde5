using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>Lays an empty qcow2 image out.</summary>
/// <remarks>Header, table of counts, one block of counts, and the top-level mapping table, in this order.</remarks>
internal static class Qcow2Creator
{
    /// <summary>The largest disk an image of ours can hold.</summary>
    internal static long MaxSizeBytes => (Qcow2Layout.MaxL1Bytes / 8L) << (Qcow2Layout.DefaultClusterBits + Qcow2Layout.DefaultClusterBits - 3);

    /// <summary>Writes an empty image into an empty file, and returns its header.</summary>
    internal static DiskResult Write(IImageFile file, long sizeBytes, string? backingFile, string? backingFormat, out Qcow2Header header)
    {
        const int bits = Qcow2Layout.DefaultClusterBits;
        const int bytes = 1 << bits;
        int entries = (int)Math.Max(1, Qcow2Header.L1EntriesFor(sizeBytes, bits));
        int l1Clusters = ((entries * 8) + bytes - 1) >> bits;
        header = new Qcow2Header
        {
            SizeBytes = sizeBytes,
            CountTableOffset = bytes,
            CountTableClusters = 1,
            L1Offset = 3 * bytes,
            L1Entries = entries,
            BackingFile = backingFile,
            BackingFormat = backingFormat,
        };
        byte[] cluster = new byte[bytes];
        BinaryPrimitives.WriteInt64BigEndian(cluster, 2 * bytes);
        DiskResult result = file.Write(bytes, cluster);
        cluster.AsSpan().Clear();
        for (int i = 0; i < 3 + l1Clusters; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(cluster.AsSpan(2 * i), 1);
        }

        result = result == DiskResult.Ok ? file.Write(2 * bytes, cluster) : result;
        result = result == DiskResult.Ok ? file.SetLength((3L + l1Clusters) * bytes) : result;
        cluster.AsSpan().Clear();
        header.Write(cluster);
        return result == DiskResult.Ok ? file.Write(0, cluster) : result;
    }
}
