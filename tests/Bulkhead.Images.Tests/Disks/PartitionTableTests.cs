using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Bulkhead.Images.Disks;
using Xunit;

namespace Bulkhead.Images.Tests.Disks;

public sealed class PartitionTableTests
{
    private const int Block = 512;
    private const long DiskBytes = 160L << 20;
    private static readonly Guid s_disk = new("11111111-2222-3333-4444-555555555555");
    private readonly byte[] _disk = Write();

    [Fact]
    public void Write_Header_IsAsTheSpecificationLaysItOut()
    {
        byte[] header = _disk[Block..(Block + 92)];

        Assert.Equal("EFI PART"u8.ToArray(), header[..8]);
        Assert.Equal([0, 0, 1, 0, 92, 0, 0, 0], header[8..16]);
        Assert.Equal(1, BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(24)));
        Assert.Equal((DiskBytes / Block) - 1, BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(32)));
        Assert.Equal(34, BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(40)));
        Assert.Equal((DiskBytes / Block) - 34, BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(48)));
        Assert.Equal(s_disk, new Guid(header[56..72]));
        Assert.Equal(2, BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(72)));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData((DiskBytes / Block) - 1, (DiskBytes / Block) - 33)]
    public void Write_Sums_AreThoseOfHeaderAndEntries(long headerBlock, long entriesBlock)
    {
        byte[] header = _disk.AsSpan((int)headerBlock * Block, 92).ToArray();
        uint headerCrc = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(16));
        header.AsSpan(16, 4).Clear();

        Assert.Equal(entriesBlock, BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(72)));
        Assert.Equal(Crc32.HashToUInt32(header), headerCrc);
        Assert.Equal(Crc32.HashToUInt32(_disk.AsSpan((int)entriesBlock * Block, 128 * 128)), BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(88)));
    }

    [Fact]
    public void Write_Root_IsTheFirstPartitionAndReachesToTheLastMebibyte()
    {
        ReadOnlySpan<byte> entry = _disk.AsSpan(2 * Block, 128);

        Assert.Equal(new Guid("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"), new Guid(entry[..16]));
        Assert.Equal(128L << 20, BinaryPrimitives.ReadInt64LittleEndian(entry[32..]) * Block);
        Assert.Equal(DiskBytes - (1 << 20), (BinaryPrimitives.ReadInt64LittleEndian(entry[40..]) + 1) * Block);
        Assert.Equal("root", Encoding.Unicode.GetString(entry[56..128]).TrimEnd('\0'));
    }

    [Fact]
    public void Partitions_OfADisk_DoNotOverlapAndLieWithinWhatIsUsable()
    {
        Partition[] byPlace = [.. DiskLayout.Partitions(DiskBytes).OrderBy(p => p.FirstBytes)];
        long end = 34 * Block;
        foreach (Partition partition in byPlace)
        {
            Assert.True(partition.FirstBytes >= end, partition.Name);
            end = partition.FirstBytes + partition.SizeBytes;
        }

        Assert.True(end <= DiskBytes - (33 * Block));
    }

    [Fact]
    public void Write_ProtectiveRecord_CoversTheDisk()
    {
        Assert.Equal([0x55, 0xaa], _disk[510..512]);
        Assert.Equal(0xee, _disk[446 + 4]);
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32LittleEndian(_disk.AsSpan(446 + 8)));
        Assert.Equal((uint)((DiskBytes / Block) - 1), BinaryPrimitives.ReadUInt32LittleEndian(_disk.AsSpan(446 + 12)));
    }

    private static byte[] Write()
    {
        // What lies between the ends is not touched, so an array would be mostly nothing; but it is simple.
        byte[] disk = new byte[DiskBytes];
        using var stream = new MemoryStream(disk);
        PartitionTable.Write(stream, s_disk, DiskLayout.Partitions(DiskBytes), p => new Guid(p.Number, 0, 0, new byte[8]));
        return disk;
    }
}
