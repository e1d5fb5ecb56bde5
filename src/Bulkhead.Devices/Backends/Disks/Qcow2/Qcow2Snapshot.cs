using System.Buffers.Binary;
using System.Text;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>A state of the disk that an image keeps beside its present one.</summary>
/// <remarks><i>Source</i>: QEMU, docs/interop/qcow2.txt, "Snapshots".</remarks>
internal sealed record class Qcow2Snapshot(string Id, string Name, long L1Offset, int L1Entries, long SizeBytes, DateTimeOffset Taken)
{
    private const int FixedBytes = 40;

    /// <summary>Reads the list of an image's snapshots.</summary>
    internal static IReadOnlyList<Qcow2Snapshot> ReadAll(IImageFile file, Qcow2Header header, out long listBytes)
    {
        var found = new List<Qcow2Snapshot>();
        byte[] head = new byte[FixedBytes];
        long at = header.SnapshotsOffset;
        for (int i = 0; i < header.SnapshotCount; i++)
        {
            Check(file, at <= file.LengthBytes - FixedBytes && file.Read(at, head) == DiskResult.Ok, "lies outside the file");
            int idBytes = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(12));
            int nameBytes = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(14));
            uint extraBytes = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(36));
            Check(file, extraBytes <= Qcow2Layout.MaxSnapshotBytes && at + FixedBytes + extraBytes + idBytes + nameBytes <= file.LengthBytes, "lies outside the file");
            byte[] rest = new byte[extraBytes + idBytes + nameBytes];
            Check(file, file.Read(at + FixedBytes, rest) == DiskResult.Ok, "cannot be read");
            long l1Offset = BinaryPrimitives.ReadInt64BigEndian(head);
            long l1Entries = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8));
            long size = extraBytes >= 16 ? BinaryPrimitives.ReadInt64BigEndian(rest.AsSpan(8)) & -DiskRange.SectorBytes : header.SizeBytes;
            Check(
                file,
                l1Entries <= Qcow2Layout.MaxL1Bytes / 8 && l1Offset >= 0 && (l1Offset & (header.ClusterBytes - 1)) == 0
                    && (l1Entries == 0 || l1Offset < file.LengthBytes) && (l1Entries * 8) - header.ClusterBytes <= file.LengthBytes - l1Offset
                    && size >= 0 && l1Entries >= Qcow2Header.L1EntriesFor(size, header.ClusterBits),
                "has a mapping table outside the file, or too small");
            found.Add(new Qcow2Snapshot(
                Text(rest.AsSpan((int)extraBytes, idBytes)),
                Text(rest.AsSpan((int)extraBytes + idBytes, nameBytes)),
                l1Offset,
                (int)l1Entries,
                size,
                DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(16)))));
            at += (FixedBytes + rest.Length + 7) & -8;
        }

        listBytes = at - header.SnapshotsOffset;
        return found;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => new([.. Encoding.UTF8.GetString(bytes).Select(static c => char.IsControl(c) ? '?' : c)]);

    private static void Check(IImageFile file, bool good, string wrong)
    {
        if (!good)
        {
            throw new OperatorException($"{file.Name}: a snapshot in its list {wrong}; see 'qemu-img check'.");
        }
    }
}
