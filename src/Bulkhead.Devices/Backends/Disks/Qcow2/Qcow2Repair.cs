using System.Buffers.Binary;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>What is done to an image before it is written: features it cannot keep are taken off, counts that were left behind are mended.</summary>
/// <remarks>
/// While an image of version 3 is written it is marked as dirty. Who opens one that is, we or QEMU, counts anew: clusters that a
/// process had taken when it died, and that nothing refers to, are free again.
/// </remarks>
internal static class Qcow2Repair
{
    /// <summary>Makes an image fit to be written, and returns its header as it is then.</summary>
    internal static Qcow2Header Prepare(IImageFile file, Qcow2Header header)
    {
        // Whoever knows one of these learns by its absence that we wrote and did not keep it up.
        if (header.Autoclear != 0)
        {
            WriteNumber(file, 88, 0);
            header = header with { Autoclear = 0 };
        }

        if ((header.Incompatible & Qcow2Layout.Dirty) != 0)
        {
            MendCounts(file, header);
        }

        if (header.Version >= 3)
        {
            header = header with { Incompatible = header.Incompatible | Qcow2Layout.Dirty };
            WriteNumber(file, 72, header.Incompatible);
        }

        return header;
    }

    /// <summary>Says that an image's counts are right; where that fails they are counted again next time.</summary>
    internal static void Finish(IImageFile file, ulong incompatible)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, incompatible & ~Qcow2Layout.Dirty);
        _ = file.Write(72, bytes);
    }

    // A program that keeps counts lazily ended before it wrote them.
    private static void MendCounts(IImageFile file, Qcow2Header header)
    {
        var checker = new Qcow2Checker(file, header);
        if (!checker.CountUses())
        {
            throw new OperatorException($"{file.Name} was not closed, and its tables are malformed; mend it with 'qemu-img check -r all'.");
        }

        var tables = new HashSet<long> { 0 };
        var counts = new ClusterCounts(file, header, Qcow2Disk.ReadCountTable(file, header), tables, 256);
        int log2 = new CountWidth(header.CountOrder).CountsLog2(header.ClusterBits);
        DiskResult result = DiskResult.Ok;
        for (int block = 0; block < counts.Blocks.Length; block++)
        {
            if (counts.Blocks[block] != 0)
            {
                result = result == DiskResult.Ok ? MendBlock(counts, checker.Uses, (long)block << log2, (long)(block + 1) << log2) : result;
            }
        }

        foreach (long piece in checker.Uses.UsedPieces)
        {
            for (long cluster = piece << UseCounts.PieceBits; cluster < (piece + 1) << UseCounts.PieceBits; cluster++)
            {
                long block = cluster >> log2;
                if (checker.Uses[cluster] != 0 && (block >= counts.Blocks.Length || counts.Blocks[(int)block] == 0))
                {
                    throw new OperatorException($"{file.Name} was not closed, and lacks room for its reference counts; mend it with 'qemu-img check -r all'.");
                }
            }
        }

        result = result == DiskResult.Ok ? WritePages(counts) : result;
        if (result != DiskResult.Ok || file.Sync() != DiskResult.Ok)
        {
            throw new OperatorException($"{file.Name} was not closed, and its reference counts could not be mended; check the host's disk.");
        }
    }

    private static DiskResult MendBlock(ClusterCounts counts, UseCounts uses, long first, long end)
    {
        DiskResult result = DiskResult.Ok;
        for (long cluster = first; cluster < end && result == DiskResult.Ok; cluster++)
        {
            uint used = uses[cluster];
            result = counts.Get(cluster, out ulong counted);
            result = result == DiskResult.Ok && counted != used ? counts.Set(cluster, used) : result;
            if (result == DiskResult.Ok && counts.Pages.IsCrowded)
            {
                result = WritePages(counts);
            }
        }

        return result;
    }

    private static DiskResult WritePages(ClusterCounts counts)
    {
        counts.Pages.Freeze();
        DiskResult result = counts.Pages.WriteFrozen();
        counts.Pages.Thaw(result == DiskResult.Ok);
        return result;
    }

    private static void WriteNumber(IImageFile file, long offset, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        if (file.Write(offset, bytes) != DiskResult.Ok || file.Sync() != DiskResult.Ok)
        {
            throw new OperatorException($"{file.Name}: its header cannot be written; check the host's disk, or open it read-only.");
        }
    }
}
