using System.Buffers.Binary;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Vmdk;

/// <summary>The header of a sparse VMDK extent, checked.</summary>
/// <remarks>
/// All numbers are little-endian, offsets and sizes in sectors of 512 bytes.
/// <code>
/// 0 "KDMV", 4 version, 8 flags (bit 1 second tables, 2 zeroed grains, 16 compressed, 17 markers), 12 capacity, 20 grain size,
/// 28 descriptor and its size, 44 entries of a grain table, 48 second directory, 56 directory, 64 sectors before the grains, 77 compression
/// </code>
/// <para><i>Source</i>: VMware, "Virtual Disk Format 5.0", "Hosted Sparse Extents" and "Stream-Optimized Compressed Sparse Extents".</para>
/// </remarks>
internal sealed record class VmdkHeader(
    uint Flags, long CapacityBytes, int GrainBytes, long DescriptorAt, int DescriptorBytes, int TableEntries, long SecondDirectoryAt, long DirectoryAt, long GrainsAt, bool Deflate)
{
    internal const uint HasSecondTables = 2;
    internal const uint HasZeroedGrains = 4;
    internal const uint IsCompressed = 1 << 16;
    internal const int Bytes = 512;
    private const ulong AtEnd = ulong.MaxValue;

    /// <summary>Entries of the directory: grain tables the disk needs.</summary>
    internal long DirectoryEntries
    {
        get
        {
            long table = (long)GrainBytes * TableEntries;
            return (CapacityBytes / table) + (CapacityBytes % table == 0 ? 0 : 1);
        }
    }

    /// <summary>Reads the header, or its copy at the end where that alone knows where the directory is.</summary>
    internal static VmdkHeader Read(IImageFile file)
    {
        byte[] head = new byte[Bytes];
        Check(file, file.LengthBytes >= Bytes && file.Read(0, head) == DiskResult.Ok, "its header cannot be read");
        if (BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(56)) == AtEnd)
        {
            // The footer stands before the last sector, which marks the end.
            Check(file, file.LengthBytes >= 4 * Bytes && file.Read((file.LengthBytes & -Bytes) - (2 * Bytes), head) == DiskResult.Ok, "its footer cannot be read");
        }

        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(8));
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(4));
        ulong grain = BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(20));
        ulong descriptorSectors = BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(36));
        uint entries = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(44));
        ushort compression = BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(77));
        Check(file, head.AsSpan().StartsWith("KDMV"u8), "it is no sparse VMDK image, or ends too early");
        Check(file, version is >= 1 and <= 3, $"it is of VMDK version {version}, and 1 to 3 are known");
        Check(file, grain is >= 1 and <= 4096 && ulong.IsPow2(grain), "its grains have a size that is not known");
        Check(file, entries is >= 128 and <= 4096 && uint.IsPow2(entries), "its grain tables have a size that is not known");
        Check(file, descriptorSectors <= 2048, "its descriptor is longer than 1 MiB");
        Check(file, (flags & IsCompressed) == 0 ? compression == 0 : compression == 1, "it is compressed in a way that is not known; only deflate is");
        var header = new VmdkHeader(
            flags,
            Offset(file, head, 12),
            (int)grain * DiskRange.SectorBytes,
            Offset(file, head, 28),
            (int)descriptorSectors * DiskRange.SectorBytes,
            (int)entries,
            (flags & HasSecondTables) != 0 ? Offset(file, head, 48) : 0,
            Offset(file, head, 56),
            Offset(file, head, 64),
            (flags & IsCompressed) != 0);
        Check(file, header.DirectoryEntries <= 1 << 23, "its directory is larger than 32 MiB");
        Check(file, header.DirectoryAt >= Bytes && header.DirectoryAt + (header.DirectoryEntries * 4) <= file.LengthBytes, "its directory lies outside the file");
        Check(file, header.SecondDirectoryAt == 0 || header.SecondDirectoryAt + (header.DirectoryEntries * 4) <= file.LengthBytes, "its second directory lies outside the file");
        Check(file, header.DescriptorAt + header.DescriptorBytes <= file.LengthBytes, "its descriptor lies outside the file");
        return header;
    }

    internal static void Check(IImageFile file, bool good, string wrong)
    {
        if (!good)
        {
            throw new OperatorException($"{file.Name}: {wrong}; copy it again from where it came, or see 'qemu-img check'.");
        }
    }

    private static long Offset(IImageFile file, byte[] head, int at)
    {
        ulong sectors = BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(at));
        Check(file, sectors < 1UL << 46, "an offset in its header is out of range");
        return (long)sectors * DiskRange.SectorBytes;
    }
}
