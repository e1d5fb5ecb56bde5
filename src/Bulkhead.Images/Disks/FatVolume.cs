using System.Buffers.Binary;
using System.Text;
using Bulkhead.Host;

namespace Bulkhead.Images.Disks;

/// <summary>Writes a FAT16 file system with one file in it: what firmware reads a boot loader from.</summary>
/// <remarks>
/// <code>
/// boot sector | table | table again | root folder | clusters: the folders above the file, then the file
/// </code>
/// <i>Source</i>: Microsoft, FAT: General Overview of On-Disk Format, 1.03; UEFI Specification 2.10, 13.3 "File System Format".
/// </remarks>
internal static class FatVolume
{
    private const int SectorBytes = 512;
    private const int ClusterSectors = 8;
    private const int ClusterBytes = SectorBytes * ClusterSectors;
    private const int RootEntries = 512;
    private const int EntryBytes = 32;
    private const int NameBytes = 11;
    private const int LeastClusters = 4085;
    private const int MostClusters = 65_524;
    private const ushort EndOfChain = 0xFFFF;
    private const byte Folder = 0x10;
    private const byte File = 0x20;

    // 1980-01-01, the first day there is.
    private const ushort Day = (1 << 5) | 1;

    /// <summary>Writes it.</summary>
    /// <param name="disk">The disk, all zeros there.</param>
    /// <param name="partition">Where.</param>
    /// <param name="number">The volume's number.</param>
    /// <param name="path">The file's path, of names of at most eight characters, a dot and three.</param>
    /// <param name="content">What is in it.</param>
    internal static void Write(Stream disk, Partition partition, uint number, string path, ReadOnlySpan<byte> content)
    {
        int sectors = checked((int)(partition.SizeBytes / SectorBytes));
        int tableSectors = ((sectors / ClusterSectors * sizeof(ushort)) + SectorBytes - 1) / SectorBytes;
        int tables = 1 + (2 * tableSectors);
        int data = tables + (RootEntries * EntryBytes / SectorBytes);
        int clusters = (sectors - data) / ClusterSectors;
        string[] names = path.Trim('/').Split('/');
        int fileClusters = Math.Max(1, (content.Length + ClusterBytes - 1) / ClusterBytes);
        if (clusters is < LeastClusters or > MostClusters || names.Length - 1 + fileClusters > clusters)
        {
            throw new OperatorException($"{path} of {content.Length} bytes does not fit into a FAT16 of {partition.SizeBytes} bytes.");
        }

        WriteAt(disk, partition, 0, BootSector(partition, sectors, tableSectors, number));
        ushort[] table = new ushort[tableSectors * SectorBytes / sizeof(ushort)];
        (table[0], table[1]) = (0xFFF8, EndOfChain);
        ushort cluster = 2;
        ushort above = 0;
        for (int i = 0; i < names.Length; i++)
        {
            bool last = i == names.Length - 1;
            byte[] entry = Entry(ShortName(names[i]), last ? File : Folder, cluster, last ? (uint)content.Length : 0);
            long folder = i == 0 ? (long)tables * SectorBytes : ClusterOffset(data, (ushort)(cluster - 1)) + (2 * EntryBytes);
            WriteAt(disk, partition, folder, entry);
            if (!last)
            {
                WriteAt(disk, partition, ClusterOffset(data, cluster), [.. Entry(".", Folder, cluster, 0), .. Entry("..", Folder, above, 0)]);
                table[cluster] = EndOfChain;
                above = cluster++;
            }
        }

        WriteAt(disk, partition, ClusterOffset(data, cluster), content);
        for (int i = 0; i < fileClusters; i++)
        {
            table[cluster + i] = i == fileClusters - 1 ? EndOfChain : (ushort)(cluster + i + 1);
        }

        byte[] bytes = new byte[tableSectors * SectorBytes];
        Buffer.BlockCopy(table, 0, bytes, 0, bytes.Length);
        WriteAt(disk, partition, SectorBytes, bytes);
        WriteAt(disk, partition, (1 + tableSectors) * (long)SectorBytes, bytes);
    }

    private static long ClusterOffset(int data, ushort cluster) => ((long)data * SectorBytes) + ((cluster - 2L) * ClusterBytes);

    private static byte[] BootSector(Partition partition, int sectors, int tableSectors, uint number)
    {
        byte[] sector = new byte[SectorBytes];
        Span<byte> s = sector;
        s[0] = 0xEB;
        s[1] = 0x3C;
        s[2] = 0x90;
        "BULKHEAD"u8.CopyTo(s[3..]);
        BinaryPrimitives.WriteUInt16LittleEndian(s[11..], SectorBytes);
        s[13] = ClusterSectors;
        BinaryPrimitives.WriteUInt16LittleEndian(s[14..], 1); // sectors before the tables
        s[16] = 2; // tables
        BinaryPrimitives.WriteUInt16LittleEndian(s[17..], RootEntries);
        BinaryPrimitives.WriteUInt16LittleEndian(s[19..], sectors <= ushort.MaxValue ? (ushort)sectors : (ushort)0);
        s[21] = 0xF8; // a disk
        BinaryPrimitives.WriteUInt16LittleEndian(s[22..], (ushort)tableSectors);
        BinaryPrimitives.WriteUInt16LittleEndian(s[24..], 63);
        BinaryPrimitives.WriteUInt16LittleEndian(s[26..], 255);
        BinaryPrimitives.WriteUInt32LittleEndian(s[28..], (uint)(partition.FirstBytes / SectorBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(s[32..], sectors > ushort.MaxValue ? (uint)sectors : 0);
        s[36] = 0x80;
        s[38] = 0x29; // the three fields that follow are there
        BinaryPrimitives.WriteUInt32LittleEndian(s[39..], number);
        "EFI SYSTEM "u8.CopyTo(s[43..]);
        "FAT16   "u8.CopyTo(s[54..]);
        s[510] = 0x55;
        s[511] = 0xAA;
        return sector;
    }

    private static byte[] Entry(string name, byte kind, ushort cluster, uint bytes)
    {
        byte[] entry = new byte[EntryBytes];
        entry.AsSpan(0, NameBytes).Fill((byte)' ');
        _ = Encoding.ASCII.GetBytes(name, entry);
        entry[11] = kind;
        foreach (int date in (ReadOnlySpan<int>)[16, 18, 24])
        {
            BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(date), Day);
        }

        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(26), cluster);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(28), bytes);
        return entry;
    }

    // Eight characters and three, padded, without the dot.
    private static string ShortName(string name)
    {
        string[] parts = name.ToUpperInvariant().Split('.');
        return parts[0].PadRight(8) + (parts.Length > 1 ? parts[1] : string.Empty);
    }

    private static void WriteAt(Stream disk, Partition partition, long offset, ReadOnlySpan<byte> bytes)
    {
        disk.Position = partition.FirstBytes + offset;
        disk.Write(bytes);
    }
}
