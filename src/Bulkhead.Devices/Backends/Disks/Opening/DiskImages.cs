using Bulkhead.Devices.Backends.Disks.Qcow2;
using Bulkhead.Devices.Backends.Disks.Raw;
using Bulkhead.Devices.Backends.Disks.Vdi;
using Bulkhead.Devices.Backends.Disks.Vmdk;
using Bulkhead.Host;
using Bulkhead.Host.Files;

namespace Bulkhead.Devices.Backends.Disks.Opening;

/// <summary>Opens disks of every format, with what they are laid over.</summary>
/// <remarks><i>Errors</i>: <see cref="OperatorException"/>. <i>Threading</i>: any thread.</remarks>
public static class DiskImages
{
    private const int MostLayers = 64;

    /// <summary>Opens a disk; who gets it disposes it.</summary>
    public static IDisk Open(string path, DiskOptions options)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        bool readOnly = options.ReadOnly || options.Overlay || options.Snapshot is not null;
        IDisk disk = OpenLayer(path, options.Format, options, readOnly, []);
        return options.Overlay ? OverlayOf(disk, options.OverlayFolder, options.Failed) : disk;
    }

    /// <summary>Lays a temporary image over a disk, which it takes over: writes go there, and are gone when it is disposed.</summary>
    public static IDisk OverlayOf(IDisk disk, string? folder, Action<HostFailure>? failed = null)
    {
        ArgumentNullException.ThrowIfNull(disk);
        HostImageFile? file = null;
        try
        {
            if (disk.SizeBytes > Qcow2Creator.MaxSizeBytes)
            {
                throw new OperatorException($"A disk of {disk.SizeBytes} bytes is too large for a temporary image; {Qcow2Creator.MaxSizeBytes} is the most.");
            }

            folder ??= Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } set ? set : "/var/tmp";
            file = new HostImageFile(BlockFile.CreateTemporary(folder), failed);
            return Qcow2Creator.Write(file, disk.SizeBytes, null, null, out Qcow2Header header) == DiskResult.Ok
                ? Qcow2Disk.Open(file, header, disk, durable: false)
                : throw new OperatorException($"No temporary image could be written in {folder}; free space there, or set TMPDIR to another folder.");
        }
        catch
        {
            file?.Dispose();
            disk.Dispose();
            throw;
        }
    }

    /// <summary>The path of a file that an image names: beside the image, where it is not absolute.</summary>
    internal static string PathBeside(string image, string named) =>
        Path.Combine(Path.GetDirectoryName(Path.GetFullPath(image)) ?? "/", named);

    /// <summary>Opens one layer and what is below it.</summary>
    internal static IDisk OpenLayer(string path, DiskFormat? stated, DiskOptions options, bool readOnly, IReadOnlyList<string> above)
    {
        HostImageFile file = OpenFile(path, options, readOnly);
        try
        {
            DiskFormat format = stated ?? FormatOf(file);
            if (format != DiskFormat.Raw && !readOnly && file.Host.IsDevice)
            {
                throw new OperatorException($"{path} is a block device with a {DiskFormats.NameOf(format)} image, which may only be read there; open it read-only, or convert it to raw.");
            }

            if (options.Snapshot is not null && format != DiskFormat.Qcow2 && above.Count == 0)
            {
                throw new OperatorException($"{path} is no qcow2 image, and only these have snapshots inside; leave its name out.");
            }

            return format switch
            {
                DiskFormat.Qcow2 => OpenQcow2(file, options, above),
                DiskFormat.Vmdk => VmdkImage.Open(file, path, name => OpenFile(name, options, readOnly)),
                DiskFormat.Vdi => VdiDisk.Open(file),
                _ => OpenRaw(file, guarded: stated is null),
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What a file looks like.</summary>
    internal static DiskFormat FormatOf(IImageFile file)
    {
        Span<byte> head = stackalloc byte[DiskFormats.SignatureBytes];
        return file.Read(0, head) == DiskResult.Ok
            ? DiskFormats.Detect(head)
            : throw new OperatorException($"{file.Name} cannot be read; check the host's disk.");
    }

    /// <summary>The path and format of what an image is laid over; null for nothing.</summary>
    internal static (string Path, DiskFormat Format)? BackingOf(string path, Qcow2Header header)
    {
        if (header.BackingFile is not { } name)
        {
            return null;
        }

        name = name.StartsWith("file:", StringComparison.Ordinal) ? name["file:".Length..] : name;
        int colon = name.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && !name[..colon].Contains('/', StringComparison.Ordinal))
        {
            throw new OperatorException($"{path} is laid over {name}, which is not the path of a file; fetch that, then 'qemu-img rebase -u -F FORMAT -b FILE {path}'.");
        }

        // What a raw file looks like is its guest's choice, so it is not guessed.
        return DiskFormats.TryParse(header.BackingFormat, out DiskFormat format)
            ? (PathBeside(path, name), format)
            : throw new OperatorException($"{path} is laid over {name} and names {(header.BackingFormat is { } f ? $"a format that is not known, {f}" : "no format for it")}; say which by 'qemu-img rebase -u -F FORMAT -b {name} {path}'.");
    }

    private static HostImageFile OpenFile(string path, DiskOptions options, bool readOnly) =>
        new(BlockFile.Open(path, readOnly, options.Cache == DiskCache.None, options.Locked), options.Failed);

    private static IDisk OpenRaw(HostImageFile file, bool guarded)
    {
        if (!file.ReadOnly && file.LengthBytes % file.Host.AlignmentBytes != 0)
        {
            throw new OperatorException($"{file.Name} has {file.LengthBytes} bytes, no multiple of the {file.Host.AlignmentBytes} that pass the page cache at once; resize it or use cache=writeback.");
        }

        RawDisk disk = RawDisk.Open(file);
        return guarded && !disk.ReadOnly ? new ProbedRawDisk(disk) : disk;
    }

    private static Qcow2Disk OpenQcow2(HostImageFile file, DiskOptions options, IReadOnlyList<string> above)
    {
        Qcow2Header header = Qcow2Header.Read(file);
        Qcow2Snapshot? snapshot = options.Snapshot is { } wanted && above.Count == 0 ? FindSnapshot(file, header, wanted) : null;
        IDisk? backing = null;
        try
        {
            if (BackingOf(file.Name, header) is (string path, DiskFormat format))
            {
                string full = Path.GetFullPath(file.Name);
                if (above.Contains(Path.GetFullPath(path)) || Path.GetFullPath(path) == full)
                {
                    throw new OperatorException($"{file.Name} is laid over itself, by way of {path}; give it another backing file with 'qemu-img rebase -u'.");
                }

                if (above.Count >= MostLayers)
                {
                    throw new OperatorException($"{above[0]} is laid over more than {MostLayers} images; join some with 'bulkhead disk convert'.");
                }

                backing = OpenLayer(path, format, options, readOnly: true, [.. above, full]);
            }

            return Qcow2Disk.Open(file, header, backing, snapshot: snapshot);
        }
        catch
        {
            backing?.Dispose();
            throw;
        }
    }

    private static Qcow2Snapshot FindSnapshot(HostImageFile file, Qcow2Header header, string wanted)
    {
        IReadOnlyList<Qcow2Snapshot> all = Qcow2Snapshot.ReadAll(file, header, out _);
        return all.FirstOrDefault(s => s.Name == wanted) ?? all.FirstOrDefault(s => s.Id == wanted)
            ?? throw new OperatorException(
                $"{file.Name} has no snapshot {wanted}; it has {(all.Count == 0 ? "none" : string.Join(", ", all.Select(static s => s.Name)))}.{(NearestName.Find(wanted, all.Select(static s => s.Name)) is { } near ? $" Did you mean {near}?" : string.Empty)}");
    }
}
