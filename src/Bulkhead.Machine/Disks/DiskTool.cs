using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Devices.Backends.Disks.Qcow2;

namespace Bulkhead.Machine.Disks;

/// <summary>What the command line does to disk images, in its words.</summary>
/// <remarks><i>Errors</i>: <see cref="Host.OperatorException"/>. Names of formats are checked at the edge; null is what a file looks like.</remarks>
public static class DiskTool
{
    private const int SectorBytes = 512;
    private const int BootCodeBytes = 440;

    /// <summary>The names of the formats.</summary>
    public static IReadOnlyList<string> Formats => DiskFormats.Names;

    /// <summary>The format that the end of a file's name stands for, or null.</summary>
    public static string? FormatOfName(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".QCOW2" => "qcow2",
        ".VMDK" => "vmdk",
        ".VDI" => "vdi",
        ".RAW" or ".IMG" => "raw",
        _ => null,
    };

    /// <summary>Whether a file is a package of a machine (OVA).</summary>
    public static bool IsPackage(string path) => OvaPackage.IsPackage(path);

    /// <summary>Whether a file is a CD or DVD (ISO 9660).</summary>
    public static bool IsIso(string path)
    {
        Span<byte> descriptor = stackalloc byte[SectorBytes];
        return Read(path, 16 * 2048, descriptor) && descriptor[1..].StartsWith("CD001"u8);
    }

    /// <summary>Whether a disk has code for a BIOS in its first sector; one without it is for UEFI.</summary>
    public static bool StartsByBios(string path)
    {
        Span<byte> sector = stackalloc byte[SectorBytes];
        return Read(path, 0, sector) && sector[..BootCodeBytes].ContainsAnyExcept<byte>(0);
    }

    /// <summary>Makes an empty image.</summary>
    public static void Create(string path, string format, long? sizeBytes, string? backing, string? backingFormat) =>
        DiskWork.Create(path, Parse(format) ?? DiskFormat.Qcow2, sizeBytes, backing, Parse(backingFormat));

    /// <summary>Says what a file holds, a package of a machine included.</summary>
    public static DiskDescription Describe(string path, string? format)
    {
        if (format is not null || !OvaPackage.IsPackage(path))
        {
            return new DiskDescription { Layers = [.. DiskWork.Describe(path, Parse(format)).Select(ToLayer)] };
        }

        OvaPackage package = OvaPackage.Open(path);
        var disks = new List<PackagedDisk>();
        for (int i = 0; i < package.DiskNames.Count; i++)
        {
            using IDisk disk = package.OpenDisk(i);
            disks.Add(new PackagedDisk(package.DiskNames[i], disk.SizeBytes));
        }

        return new DiskDescription { Machine = new PackagedMachine(package.Name, package.Cpus, package.MemoryBytes, disks) };
    }

    /// <summary>Copies a disk, or one of a package, into a new image.</summary>
    public static void Convert(string from, string? format, string? snapshot, int number, string to, string newFormat) =>
        DiskWork.Convert(from, new DiskOptions { Format = Parse(format), Snapshot = snapshot }, number, to, Parse(newFormat) ?? DiskFormat.Qcow2);

    /// <summary>Gives a disk another size, which follows from the present one, and returns that.</summary>
    public static void Resize(string path, string? format, Func<long, long> sizeOf, bool shrink) => DiskWork.Resize(path, Parse(format), sizeOf, shrink);

    /// <summary>Checks a qcow2 image, and mends its counts where that is asked for and safe.</summary>
    public static DiskCheckup Check(string path, bool repair)
    {
        CheckReport report = DiskWork.Check(path, repair);
        return new DiskCheckup(report.ErrorCount, report.LeakedClusters, report.DataClusters, report.AllClusters, report.Errors);
    }

    private static bool Read(string path, long offset, Span<byte> to)
    {
        using IDisk disk = DiskImages.Open(path, new DiskOptions { ReadOnly = true });
        return offset + to.Length <= disk.SizeBytes && disk.Read(offset, to) == DiskResult.Ok;
    }

    private static DiskFormat? Parse(string? name) => DiskFormats.TryParse(name, out DiskFormat format) ? format : null;

    private static DiskLayer ToLayer(DiskInfo info) => new()
    {
        File = info.File,
        Format = DiskFormats.NameOf(info.Format),
        SizeBytes = info.SizeBytes,
        HostBytes = info.HostBytes,
        ClusterBytes = info.ClusterBytes,
        Compression = info.Compression,
        Marks = info.Marks.Count == 0 ? null : info.Marks,
        BackingFile = info.BackingFile,
        BackingFormat = info.BackingFormat,
        Snapshots = info.Snapshots.Count == 0 ? null : [.. info.Snapshots.Select(static s => new DiskState(s.Id, s.Name, s.SizeBytes, s.Taken))],
    };
}
