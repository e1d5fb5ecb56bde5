using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Disks.Blocks;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Vdi;

/// <summary>Opens and makes VirtualBox's images, dynamic and of fixed size.</summary>
/// <remarks>
/// All numbers are little-endian. <i>Source</i>: VirtualBox, Storage/VDICore.h; QEMU, block/vdi.c, the header's description.
/// <code>
/// 64 signature, 68 version, 76 type (1 dynamic, 2 fixed), 340 offset of the table, 344 of the blocks, 360 sector size,
/// 368 disk size, 376 block size, 380 extra bytes per block, 384 blocks, 388 blocks that have a place, 424 and 440 ids of a parent
/// </code>
/// </remarks>
internal static class VdiDisk
{
    internal const int HeaderBytes = 512;
    internal const int AllocatedAt = 388;
    private const uint Signature = 0xbeda107f;
    private const int NewBlockBytes = 1 << 20;
    private const uint Nowhere = 0xffff_ffff;

    /// <summary>Opens an image; takes the file over.</summary>
    internal static MappedDisk Open(IImageFile file)
    {
        byte[] header = new byte[HeaderBytes];
        Check(file, file.LengthBytes >= HeaderBytes && file.Read(0, header) == DiskResult.Ok, "its header cannot be read");
        uint type = Word(header, 76);
        uint tableAt = Word(header, 340);
        uint dataAt = Word(header, 344);
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(368));
        uint blockBytes = Word(header, 376);
        uint blocks = Word(header, 384);
        Check(file, Word(header, 64) == Signature, "it is no VDI image");
        Check(file, Word(header, 68) == 0x10001, $"it is of VDI version {Word(header, 68) >> 16}.{Word(header, 68) & 0xffff}, and only 1.1 is known");
        if (type is not (1 or 2) || header.AsSpan(424, 32).ContainsAnyExcept((byte)0))
        {
            throw new OperatorException($"{file.Name} only holds the differences to another image, which is not supported; join them with 'VBoxManage clonemedium'.");
        }

        Check(file, Word(header, 360) == DiskRange.SectorBytes && blockBytes is >= 1 << 16 and <= 1 << 26 && uint.IsPow2(blockBytes) && Word(header, 380) == 0, "its sectors or blocks have sizes that are not known");
        Check(file, size <= (ulong)blocks * blockBytes, "it has too few blocks for its size");
        Check(file, tableAt >= HeaderBytes && tableAt % DiskRange.SectorBytes == 0 && dataAt % DiskRange.SectorBytes == 0 && dataAt >= tableAt + (blocks * 4UL), "its table and its blocks overlap");
        Check(file, tableAt + (blocks * 4L) <= file.LengthBytes, "its table lies outside the file");
        return new MappedDisk(file, new VdiMap(file, tableAt, dataAt, (int)blockBytes, blocks, Word(header, AllocatedAt)), (long)(size + DiskRange.SectorBytes - 1) & -DiskRange.SectorBytes);
    }

    /// <summary>Writes an empty dynamic image into an empty file.</summary>
    internal static DiskResult Create(IImageFile file, long sizeBytes)
    {
        uint blocks = (uint)((sizeBytes + NewBlockBytes - 1) / NewBlockBytes);
        byte[] table = new byte[((blocks * 4L) + DiskRange.SectorBytes - 1) & -DiskRange.SectorBytes];
        table.AsSpan(0, (int)blocks * 4).Fill(0xff);
        byte[] header = new byte[HeaderBytes];
        "<<< Oracle VM VirtualBox Disk Image >>>\n"u8.CopyTo(header);
        Put(header, 64, Signature);
        Put(header, 68, 0x10001);
        Put(header, 72, 400);
        Put(header, 76, 1);
        Put(header, 340, HeaderBytes);
        Put(header, 344, (uint)(HeaderBytes + table.Length));
        Put(header, 360, DiskRange.SectorBytes);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(368), sizeBytes);
        Put(header, 376, NewBlockBytes);
        Put(header, 384, blocks);
        Guid.NewGuid().TryWriteBytes(header.AsSpan(392));
        Guid.NewGuid().TryWriteBytes(header.AsSpan(408));
        DiskResult result = file.Write(HeaderBytes, table);
        return result == DiskResult.Ok ? file.Write(0, header) : result;
    }

    /// <summary>The largest disk an image of ours can hold: a table of 64 MiB.</summary>
    internal static long MaxSizeBytes => (16L << 20) * NewBlockBytes;

    internal static bool IsNowhere(uint entry) => entry >= Nowhere - 1;

    private static uint Word(byte[] header, int at) => BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(at));

    private static void Put(byte[] header, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(at), value);

    private static void Check(IImageFile file, bool good, string wrong)
    {
        if (!good)
        {
            throw new OperatorException($"{file.Name}: {wrong}; copy it again from where it came, or see 'qemu-img check'.");
        }
    }
}
