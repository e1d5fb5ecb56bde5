using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Bulkhead.Images.Disks;

/// <summary>Writes a GUID partition table: before the partitions, again behind them, and a protective record for those who do not know it.</summary>
/// <remarks>
/// <code>
/// block 0        protective master boot record
/// block 1        header          block -1       header
/// block 2-33     128 entries     block -33..-2  128 entries
/// </code>
/// <i>Source</i>: UEFI Specification 2.10, 5.2.3 "Protective MBR", 5.3 "GUID Partition Table (GPT) Disk Layout".
/// </remarks>
internal static class PartitionTable
{
    internal const int BlockBytes = 512;
    private const int EntryCount = 128;
    private const int EntryBytes = 128;
    private const int EntriesBlocks = EntryCount * EntryBytes / BlockBytes;
    private const int HeaderBytes = 92;
    private const int NameBytes = 72;
    private const int FirstUsableBlock = 2 + EntriesBlocks;

    /// <summary>Writes the table of a disk; the disk's length is the stream's.</summary>
    /// <param name="disk">The disk, of a whole number of blocks.</param>
    /// <param name="id">The disk's own number.</param>
    /// <param name="partitions">The partitions, each with a number of its own, which do not overlap.</param>
    /// <param name="idOf">The number of a partition by which it is told from all others.</param>
    internal static void Write(Stream disk, Guid id, IReadOnlyList<Partition> partitions, Func<Partition, Guid> idOf)
    {
        long lastBlock = (disk.Length / BlockBytes) - 1;
        byte[] entries = new byte[EntryCount * EntryBytes];
        foreach (Partition partition in partitions)
        {
            WriteEntry(entries.AsSpan((partition.Number - 1) * EntryBytes, EntryBytes), partition, idOf(partition));
        }

        uint entriesCrc = Crc32.HashToUInt32(entries);
        WriteAt(disk, 0, ProtectiveRecord(lastBlock));
        WriteAt(disk, 1, Header(1, lastBlock, 2, lastBlock, id, entriesCrc));
        WriteAt(disk, 2, entries);
        WriteAt(disk, lastBlock - EntriesBlocks, entries);
        WriteAt(disk, lastBlock, Header(lastBlock, 1, lastBlock - EntriesBlocks, lastBlock, id, entriesCrc));
    }

    private static void WriteEntry(Span<byte> entry, Partition partition, Guid id)
    {
        _ = partition.Type.TryWriteBytes(entry);
        _ = id.TryWriteBytes(entry[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(entry[32..], partition.FirstBytes / BlockBytes);
        BinaryPrimitives.WriteInt64LittleEndian(entry[40..], ((partition.FirstBytes + partition.SizeBytes) / BlockBytes) - 1);
        _ = Encoding.Unicode.GetBytes(partition.Name, entry.Slice(56, NameBytes));
    }

    private static byte[] Header(long at, long other, long entries, long lastBlock, Guid id, uint entriesCrc)
    {
        byte[] block = new byte[BlockBytes];
        Span<byte> header = block;
        "EFI PART"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], 0x00010000);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], HeaderBytes);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], at);
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], other);
        BinaryPrimitives.WriteInt64LittleEndian(header[40..], FirstUsableBlock);
        BinaryPrimitives.WriteInt64LittleEndian(header[48..], lastBlock - EntriesBlocks - 1);
        _ = id.TryWriteBytes(header[56..]);
        BinaryPrimitives.WriteInt64LittleEndian(header[72..], entries);
        BinaryPrimitives.WriteUInt32LittleEndian(header[80..], EntryCount);
        BinaryPrimitives.WriteUInt32LittleEndian(header[84..], EntryBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header[88..], entriesCrc);

        // Of the header, with this field as zero.
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], Crc32.HashToUInt32(header[..HeaderBytes]));
        return block;
    }

    // One partition of the type for such disks, over all that its fields can say.
    private static byte[] ProtectiveRecord(long lastBlock)
    {
        byte[] block = new byte[BlockBytes];
        Span<byte> record = block.AsSpan(446);
        record[2] = 0x02;
        record[4] = 0xee;
        record[5..8].Fill(0xff);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], (uint)Math.Min(lastBlock, uint.MaxValue));
        block[510] = 0x55;
        block[511] = 0xaa;
        return block;
    }

    private static void WriteAt(Stream disk, long block, ReadOnlySpan<byte> bytes)
    {
        disk.Position = block * BlockBytes;
        disk.Write(bytes);
    }
}
