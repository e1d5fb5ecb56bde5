using System.Buffers.Binary;
using System.Text;
using Bulkhead.Devices.Backends.Disks.Blocks;
using Bulkhead.Devices.Backends.Disks.Raw;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Vmdk;

/// <summary>Opens and makes VMware's images: a sparse file with its descriptor inside, or a descriptor beside a flat or sparse file.</summary>
internal static class VmdkImage
{
    private const int NewGrainBytes = 64 << 10;
    private const int NewTableEntries = 512;
    private const int DescriptorSectors = 20;

    /// <summary>The largest disk an image of ours can hold: entries are sectors of 32 bits.</summary>
    internal static long MaxSizeBytes => (1L << 41) - (1L << 30);

    /// <summary>Opens an image; takes the file over.</summary>
    /// <param name="file">The image or descriptor.</param>
    /// <param name="path">Its path.</param>
    /// <param name="open">Opens the file of an extent.</param>
    internal static IDisk Open(IImageFile file, string path, Func<string, IImageFile> open)
    {
        Span<byte> magic = stackalloc byte[4];
        VmdkHeader.Check(file, file.Read(0, magic) == DiskResult.Ok, "it cannot be read");
        return magic.SequenceEqual("KDMV"u8) ? OpenSparse(file) : OpenExtent(file, path, open);
    }

    /// <summary>Writes an empty sparse image into an empty file.</summary>
    internal static DiskResult Create(IImageFile file, string name, long sizeBytes)
    {
        // Header, descriptor, second directory and tables, directory and tables; then grains.
        long grains = (sizeBytes + NewGrainBytes - 1) / NewGrainBytes;
        int tables = (int)Math.Max(1, (grains + NewTableEntries - 1) / NewTableEntries);
        int directorySectors = ((tables * 4) + 511) / 512;
        const int tableSectors = NewTableEntries * 4 / 512;
        int secondAt = 1 + DescriptorSectors;
        int firstAt = secondAt + directorySectors + (tables * tableSectors);
        int end = firstAt + directorySectors + (tables * tableSectors);
        const int grainSectors = NewGrainBytes / 512;
        int grainsAt = (end + grainSectors - 1) / grainSectors * grainSectors;
        byte[] bytes = new byte[end * 512];
        "KDMV"u8.CopyTo(bytes);
        Put(4, 1);
        Put(8, 1 | VmdkHeader.HasSecondTables);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(12), sizeBytes / 512);
        Put(20, grainSectors);
        Put(28, 1);
        Put(36, DescriptorSectors);
        Put(44, NewTableEntries);
        Put(48, (uint)secondAt);
        Put(56, (uint)firstAt);
        Put(64, (uint)grainsAt);
        "\n \r\n"u8.CopyTo(bytes.AsSpan(73));
        Encoding.UTF8.GetBytes(VmdkDescriptor.Write("monolithicSparse", "SPARSE", name, sizeBytes)).CopyTo(bytes, 512);
        for (int i = 0; i < tables; i++)
        {
            Put((secondAt * 512) + (4 * i), (uint)(secondAt + directorySectors + (i * tableSectors)));
            Put((firstAt * 512) + (4 * i), (uint)(firstAt + directorySectors + (i * tableSectors)));
        }

        DiskResult result = file.Write(0, bytes);
        return result == DiskResult.Ok ? file.SetLength(grainsAt * 512L) : result;

        void Put(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);
    }

    private static IDisk OpenSparse(IImageFile file)
    {
        VmdkHeader header = VmdkHeader.Read(file);
        if (header.DescriptorAt != 0 && header.DescriptorBytes != 0)
        {
            _ = VmdkDescriptor.Read(file, header.DescriptorAt, header.DescriptorBytes);
        }

        if ((header.Flags & VmdkHeader.IsCompressed) == 0)
        {
            return new MappedDisk(file, new GrainMap(file, header), header.CapacityBytes);
        }

        return file.ReadOnly
            ? new StreamDisk(file, header)
            : throw new OperatorException($"{file.Name} is compressed and may only be read; convert it with 'bulkhead disk convert', or open it with a snapshot overlay.");
    }

    private static IDisk OpenExtent(IImageFile file, string path, Func<string, IImageFile> open)
    {
        VmdkDescriptor descriptor = VmdkDescriptor.Read(file, 0, file.LengthBytes);
        if (descriptor.Extents is not [{ Kind: "FLAT" or "SPARSE" } extent])
        {
            throw new OperatorException($"{path} is a VMDK of type {descriptor.CreateType} with {descriptor.Extents.Count} extents, and only one flat or sparse extent is supported; convert it with 'qemu-img convert'.");
        }

        // A descriptor is text that anybody may have written: it names no file elsewhere on the host.
        if (extent.File.Length == 0 || extent.File.Contains('/', StringComparison.Ordinal) || extent.File is "." or "..")
        {
            throw new OperatorException($"{path} names the file '{extent.File}', which does not stand beside it; move that there and correct the descriptor.");
        }

        IImageFile data = open(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/", extent.File));
        try
        {
            IDisk disk = extent.Kind == "FLAT" ? RawDisk.Open(data, extent.StartBytes, extent.SizeBytes) : OpenSparse(data);
            file.Dispose();
            return disk;
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }
}
