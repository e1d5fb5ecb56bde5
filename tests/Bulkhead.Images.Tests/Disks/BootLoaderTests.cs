using System.Buffers.Binary;
using System.Text;
using Bulkhead.Host;
using Bulkhead.Images.Disks;
using Xunit;

namespace Bulkhead.Images.Tests.Disks;

public sealed class BootLoaderTests
{
    private const int BlockBytes = 512;
    private const long DiskBytes = 256 << 20;

    private static readonly byte[] s_sector = [.. Enumerable.Repeat((byte)0xAB, BlockBytes)];
    private static readonly byte[] s_efi = [.. Enumerable.Range(0, 20_001).Select(static i => (byte)(i * 7))];

    [Fact]
    public void Write_Disk_HasWhatBothFirmwaresStartFrom()
    {
        byte[] core = [.. Enumerable.Range(0, (3 * BlockBytes) + 10).Select(static i => (byte)(i * 3))];
        using FileStream disk = Make(new BootLoader(s_sector, core, s_efi));

        // The boot sector knows the core's first block, that the rest; the partition table stays.
        byte[] first = Read(disk, 0, BlockBytes);
        Assert.Equal(2048, BinaryPrimitives.ReadInt64LittleEndian(first.AsSpan(0x5C)));
        Assert.Equal((0xAB, 0xEE, 0xAA55), (first[439], first[450], BinaryPrimitives.ReadUInt16LittleEndian(first.AsSpan(510))));
        byte[] second = Read(disk, 1 << 20, core.Length);
        Assert.Equal((2049L, (ushort)3), (BinaryPrimitives.ReadInt64LittleEndian(second.AsSpan(0x1F4)), BinaryPrimitives.ReadUInt16LittleEndian(second.AsSpan(0x1FC))));
        Assert.Equal(core[BlockBytes..], second[BlockBytes..]);
        Assert.Equal(s_efi, ReadFile(disk, "EFI        ", "BOOT       ", "BOOTX64 EFI"));
    }

    [Fact]
    public void Write_CoreLargerThanItsPartition_IsRefused() =>
        Assert.Contains("does not fit", Assert.Throws<OperatorException>(() => Make(new BootLoader(s_sector, new byte[(3 << 20) + 1], s_efi))).Message, StringComparison.Ordinal);

    [Fact]
    public void Write_EfiLargerThanItsPartition_IsRefused() =>
        Assert.Contains("does not fit", Assert.Throws<OperatorException>(() => Make(new BootLoader(s_sector, new byte[BlockBytes], new byte[125 << 20]))).Message, StringComparison.Ordinal);

    private static FileStream Make(BootLoader loader)
    {
        var disk = new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 4096, FileOptions.DeleteOnClose);
        try
        {
            disk.SetLength(DiskBytes);
            PartitionTable.Write(disk, Guid.NewGuid(), DiskLayout.Partitions(DiskBytes), static _ => Guid.NewGuid());
            loader.Write(disk, DiskLayout.BiosBoot, DiskLayout.EfiSystem, 0xCAFE);
            return disk;
        }
        catch
        {
            disk.Dispose();
            throw;
        }
    }

    /// <summary>Reads a file of the EFI partition by what its boot sector says alone.</summary>
    private static byte[] ReadFile(FileStream disk, params string[] names)
    {
        long start = DiskLayout.EfiSystem.FirstBytes;
        byte[] boot = Read(disk, start, BlockBytes);
        int clusterBytes = boot[13] * BlockBytes;
        int tableStart = BinaryPrimitives.ReadUInt16LittleEndian(boot.AsSpan(14)) * BlockBytes;
        int tableBytes = BinaryPrimitives.ReadUInt16LittleEndian(boot.AsSpan(22)) * BlockBytes;
        int rootBytes = BinaryPrimitives.ReadUInt16LittleEndian(boot.AsSpan(17)) * 32;
        int root = tableStart + (boot[16] * tableBytes);
        Assert.Equal(DiskLayout.EfiSystem.SizeBytes / BlockBytes, BinaryPrimitives.ReadUInt32LittleEndian(boot.AsSpan(32)));
        Assert.Equal(Read(disk, start + tableStart, tableBytes), Read(disk, start + tableStart + tableBytes, tableBytes));

        byte[] folder = Read(disk, start + root, rootBytes);
        foreach (string name in names)
        {
            byte[] entry = folder.Chunk(32).Single(e => Encoding.ASCII.GetString(e, 0, 11) == name);
            int size = BinaryPrimitives.ReadInt32LittleEndian(entry.AsSpan(28));
            folder = Chain(BinaryPrimitives.ReadUInt16LittleEndian(entry.AsSpan(26)));
            folder = size == 0 ? folder : folder[..size];
        }

        return folder;

        byte[] Chain(ushort cluster)
        {
            var bytes = new List<byte>();
            while (cluster is >= 2 and < 0xFFF8)
            {
                bytes.AddRange(Read(disk, start + root + rootBytes + ((cluster - 2L) * clusterBytes), clusterBytes));
                cluster = BinaryPrimitives.ReadUInt16LittleEndian(Read(disk, start + tableStart + (cluster * 2), 2));
            }

            return [.. bytes];
        }
    }

    private static byte[] Read(FileStream disk, long at, int count)
    {
        byte[] bytes = new byte[count];
        disk.Position = at;
        disk.ReadExactly(bytes);
        return bytes;
    }
}
