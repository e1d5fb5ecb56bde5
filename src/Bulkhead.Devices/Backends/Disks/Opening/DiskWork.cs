using Bulkhead.Devices.Backends.Disks.Qcow2;
using Bulkhead.Devices.Backends.Disks.Vdi;
using Bulkhead.Devices.Backends.Disks.Vmdk;
using Bulkhead.Host;
using Bulkhead.Host.Files;

namespace Bulkhead.Devices.Backends.Disks.Opening;

/// <summary>What is done to images while no guest uses them: making, looking at, copying, resizing and checking.</summary>
/// <remarks><i>Errors</i>: <see cref="OperatorException"/>. <i>Threading</i>: any thread; an image is used by one at a time.</remarks>
public static class DiskWork
{
    private const int CopyBytes = 2 << 20;
    private const int CopyUnitBytes = 64 << 10;

    /// <summary>Makes an empty image.</summary>
    /// <param name="path">Where; there must be nothing.</param>
    /// <param name="format">How it is laid out.</param>
    /// <param name="sizeBytes">The size of its disk, or null for that of the backing file.</param>
    /// <param name="backing">The image it is laid over, or null; qcow2 only.</param>
    /// <param name="backingFormat">The format of that, or null for what it looks like.</param>
    public static void Create(string path, DiskFormat format, long? sizeBytes, string? backing = null, DiskFormat? backingFormat = null)
    {
        if (backing is not null)
        {
            if (format != DiskFormat.Qcow2)
            {
                throw new OperatorException($"A {DiskFormats.NameOf(format)} image cannot be laid over another; make it qcow2.");
            }

            using HostImageFile below = OpenFile(backing, locked: true);
            backingFormat ??= DiskImages.FormatOf(below);
        }

        if (backing is not null)
        {
            using IDisk below = DiskImages.Open(backing, new DiskOptions { ReadOnly = true, Format = backingFormat });
            sizeBytes ??= below.SizeBytes;
        }

        long size = CheckSize(path, format, sizeBytes ?? throw new OperatorException("A disk needs a size; give one, such as 10G."));
        string? name = backing is null ? null : NameFrom(path, backing);
        if (name?.Length > Qcow2Layout.MaxNameBytes / 4)
        {
            throw new OperatorException($"The path {name} is too long for the header of an image; move the file nearer.");
        }

        using var file = new HostImageFile(BlockFile.Create(path));
        DiskResult result = format switch
        {
            DiskFormat.Qcow2 => Qcow2Creator.Write(file, size, name, backingFormat is { } f ? DiskFormats.NameOf(f) : null, out _),
            DiskFormat.Vmdk => VmdkImage.Create(file, Path.GetFileName(path), size),
            DiskFormat.Vdi => VdiDisk.Create(file, size),
            _ => file.SetLength(size),
        };
        result = result == DiskResult.Ok ? file.Sync() : result;
        if (result != DiskResult.Ok)
        {
            File.Delete(path);
            throw Failed(path, "written", result);
        }
    }

    /// <summary>Reads what an image says of itself, and of what it is laid over, one after the other.</summary>
    /// <remarks>An image in use may be looked at; what its guest changes at this moment may be missing.</remarks>
    public static IReadOnlyList<DiskInfo> Describe(string path, DiskFormat? format)
    {
        var layers = new List<DiskInfo>();
        var seen = new HashSet<string>();
        while (true)
        {
            (string Path, DiskFormat Format)? below;
            using (HostImageFile file = OpenFile(path, locked: false))
            {
                DiskFormat found = format ?? DiskImages.FormatOf(file);
                if (found == DiskFormat.Qcow2)
                {
                    Qcow2Header header = Qcow2Header.Read(file);
                    layers.Add(Describe(file, header));
                    below = DiskImages.BackingOf(path, header);
                }
                else
                {
                    layers.Add(DescribeOther(file, path, found));
                    below = null;
                }
            }

            // An image below that is not there is an error of its use, not of looking.
            if (below is not { } next || !seen.Add(Path.GetFullPath(next.Path)) || !File.Exists(next.Path) || layers.Count > 64)
            {
                return layers;
            }

            (path, format) = (next.Path, next.Format);
        }
    }

    /// <summary>Copies a disk into a new image; what is zeros takes no room there.</summary>
    /// <param name="from">The image, or the package it stands in.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="number">Which disk of a package, from 0.</param>
    /// <param name="to">The new image; there must be nothing.</param>
    /// <param name="format">How that is laid out.</param>
    public static void Convert(string from, DiskOptions options, int number, string to, DiskFormat format)
    {
        ArgumentNullException.ThrowIfNull(options);
        using IDisk source = options.Format is null && OvaPackage.IsPackage(from)
            ? OvaPackage.Open(from).OpenDisk(number)
            : DiskImages.Open(from, options with { ReadOnly = true });
        BlockFile.ThrowIfNotNew(to);

        // Another name until it is whole.
        string partial = to + ".partial";
        File.Delete(partial);
        Create(partial, format, source.SizeBytes);
        try
        {
            using (IDisk target = DiskImages.Open(partial, new DiskOptions { Format = format }))
            {
                Copy(from, source, to, target);
            }

            HostFile.Rename(partial, to);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    /// <summary>Gives a disk another size; a smaller one only where its end may be cut off.</summary>
    public static void Resize(string path, DiskFormat? format, Func<long, long> sizeOf, bool shrink)
    {
        ArgumentNullException.ThrowIfNull(sizeOf);
        using IDisk disk = DiskImages.Open(path, new DiskOptions { Format = format });
        long size = sizeOf(disk.SizeBytes);
        if (size < disk.SizeBytes && (!shrink || disk is Qcow2Disk))
        {
            throw new OperatorException(disk is Qcow2Disk
                ? $"{path} has {disk.SizeBytes} bytes, and a qcow2 image is not made smaller; copy what you need into a new one."
                : $"{path} has {disk.SizeBytes} bytes; to cut off what stands behind the first {size}, give --shrink.");
        }

        _ = Resize(disk, path, size);
    }

    /// <summary>Gives an open disk another size; how many bytes it has then.</summary>
    public static long Resize(IDisk disk, string path, long sizeBytes)
    {
        if (disk is not IResizableDisk resizable)
        {
            throw new OperatorException($"{path} is of a format that holds its disk at one size; convert it to qcow2 or raw first.");
        }

        DiskResult result = sizeBytes > long.MaxValue - CopyBytes || sizeBytes % DiskRange.SectorBytes != 0 ? DiskResult.NoSpace : resizable.Resize(sizeBytes);
        return result == DiskResult.Ok ? disk.SizeBytes : throw Failed(path, "resized", result);
    }

    /// <summary>Compares the counts of a qcow2 image with what uses its clusters, and mends them where that is wanted and safe.</summary>
    public static CheckReport Check(string path, bool repair)
    {
        using HostImageFile file = repair ? new HostImageFile(BlockFile.Open(path, readOnly: false)) : OpenFile(path, locked: true);
        if (DiskImages.FormatOf(file) != DiskFormat.Qcow2)
        {
            throw new OperatorException($"{path} is no qcow2 image; only these keep counts that can be checked.");
        }

        Qcow2Header header = Qcow2Header.Read(file);
        CheckReport report = new Qcow2Checker(file, header).Check();
        if (repair && (report.ErrorCount > 0 || report.LeakedClusters > 0))
        {
            Qcow2Repair.MendCounts(file, header);
            report = new Qcow2Checker(file, header).Check();
        }

        return report;
    }

    private static void Copy(string from, IDisk source, string to, IDisk target)
    {
        byte[] buffer = new byte[CopyBytes];
        for (long at = 0; at < source.SizeBytes; at += buffer.Length)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, source.SizeBytes - at));
            DiskResult result = source.Read(at, part);
            if (result != DiskResult.Ok)
            {
                throw Failed(from, $"read at byte {at}", result);
            }

            for (int i = 0; i < part.Length;)
            {
                int end = i;
                while (end < part.Length && part.Slice(end, Math.Min(CopyUnitBytes, part.Length - end)).ContainsAnyExcept((byte)0))
                {
                    end = Math.Min(end + CopyUnitBytes, part.Length);
                }

                result = end > i ? target.Write(at + i, part[i..end]) : DiskResult.Ok;
                if (result != DiskResult.Ok)
                {
                    throw Failed(to, "written", result);
                }

                i = end > i ? end : i + CopyUnitBytes;
            }
        }

        DiskResult flushed = target.Flush();
        if (flushed != DiskResult.Ok)
        {
            throw Failed(to, "written", flushed);
        }
    }

    private static DiskInfo Describe(HostImageFile file, Qcow2Header header)
    {
        var marks = new List<string>();
        if ((header.Incompatible & Qcow2Layout.Dirty) != 0)
        {
            marks.Add("dirty");
        }

        if ((header.Incompatible & Qcow2Layout.Corrupt) != 0)
        {
            marks.Add("corrupt");
        }

        IReadOnlyList<Qcow2Snapshot> snapshots = header.SnapshotCount > 0 ? Qcow2Snapshot.ReadAll(file, header, out _) : [];
        return new DiskInfo(
            file.Name,
            DiskFormat.Qcow2,
            header.SizeBytes,
            file.Host.AllocatedBytes,
            header.ClusterBytes,
            header.Zstd ? "zstd" : "deflate",
            marks,
            header.BackingFile is { } backing ? DiskImages.PathBeside(file.Name, backing) : null,
            header.BackingFormat,
            [.. snapshots.Select(static s => new DiskSnapshot(s.Id, s.Name, s.SizeBytes, s.Taken))]);
    }

    private static DiskInfo DescribeOther(HostImageFile file, string path, DiskFormat format)
    {
        using IDisk disk = DiskImages.OpenLayer(path, format, new DiskOptions { Locked = false }, readOnly: true, []);
        return new DiskInfo(path, format, disk.SizeBytes, file.Host.AllocatedBytes, null, disk is StreamDisk ? "deflate" : null, [], null, null, []);
    }

    private static long CheckSize(string path, DiskFormat format, long sizeBytes)
    {
        long size = sizeBytes > long.MaxValue - DiskRange.SectorBytes ? sizeBytes : (sizeBytes + DiskRange.SectorBytes - 1) & -DiskRange.SectorBytes;
        long most = format switch
        {
            DiskFormat.Qcow2 => Qcow2Creator.MaxSizeBytes,
            DiskFormat.Vmdk => VmdkImage.MaxSizeBytes,
            DiskFormat.Vdi => VdiDisk.MaxSizeBytes,
            _ => long.MaxValue / 2,
        };
        return size >= 0 && size <= most
            ? size
            : throw new OperatorException($"{path} cannot hold {sizeBytes} bytes; a {DiskFormats.NameOf(format)} image of ours holds up to {most}.");
    }

    // Beside the image or below, by a name that stays right when both are moved.
    private static string NameFrom(string image, string backing)
    {
        string full = Path.GetFullPath(backing);
        string name = Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(image)) ?? "/", full);
        return name.StartsWith("..", StringComparison.Ordinal) ? full : name;
    }

    private static HostImageFile OpenFile(string path, bool locked) => new(BlockFile.Open(path, readOnly: true, locked: locked));

    private static OperatorException Failed(string path, string what, DiskResult result) => new(result switch
    {
        DiskResult.NoSpace => $"{path} could not be {what}: there is no space for it on the host, or in its format; free some.",
        DiskResult.ReadOnly => $"{path} could not be {what}: it may only be read.",
        _ => $"{path} could not be {what}: the host reports an error, or its tables are malformed; see 'bulkhead disk check'.",
    });
}
