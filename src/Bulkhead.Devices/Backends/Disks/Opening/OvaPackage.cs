using Bulkhead.Devices.Backends.Disks.Ova;
using Bulkhead.Devices.Backends.Disks.Raw;
using Bulkhead.Devices.Backends.Disks.Vmdk;
using Bulkhead.Host;
using Bulkhead.Host.Files;

namespace Bulkhead.Devices.Backends.Disks.Opening;

/// <summary>A machine in one file, as other hypervisors export it: an archive of its description and its disks.</summary>
/// <remarks>The disks are read where they stand in the archive. <i>Errors</i>: <see cref="OperatorException"/>.</remarks>
public sealed class OvaPackage
{
    private readonly string _path;
    private readonly IReadOnlyList<TarEntry> _disks;

    private OvaPackage(string path, OvfDescription description, IReadOnlyList<TarEntry> disks)
    {
        _path = path;
        _disks = disks;
        Name = description.Name;
        Cpus = description.Cpus;
        MemoryBytes = description.MemoryBytes;
    }

    /// <summary>The machine's name.</summary>
    public string Name { get; }

    /// <summary>Its processors.</summary>
    public int Cpus { get; }

    /// <summary>Its memory.</summary>
    public long MemoryBytes { get; }

    /// <summary>The names of its disks' files, in its order.</summary>
    public IReadOnlyList<string> DiskNames => [.. _disks.Select(static d => d.Name)];

    /// <summary>Whether a file is such an archive.</summary>
    public static bool IsPackage(string path)
    {
        using var file = new HostImageFile(BlockFile.Open(path, readOnly: true, locked: false));
        Span<byte> head = stackalloc byte[512];
        return file.Read(0, head) == DiskResult.Ok && TarIndex.IsArchive(head);
    }

    /// <summary>Reads what a package holds.</summary>
    public static OvaPackage Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = new HostImageFile(BlockFile.Open(path, readOnly: true));
        IReadOnlyList<TarEntry> entries = TarIndex.Read(file);
        TarEntry ovf = entries.FirstOrDefault(static e => e.Name.EndsWith(".ovf", StringComparison.OrdinalIgnoreCase));
        if (ovf.Length == 0)
        {
            throw new OperatorException($"{path} holds no description of a machine (.ovf); export it again as OVA.");
        }

        OvfDescription description = OvfDescription.Read(new FileWindow(file, $"{path}/{ovf.Name}", ovf.Start, ovf.Length));
        TarEntry[] disks = [.. description.DiskFiles.Select(name => entries.FirstOrDefault(e => e.Name == name || e.Name == "./" + name) is { Length: > 0 } found
            ? found
            : throw new OperatorException($"{path} lacks {name}, which its description names; export it again as OVA in one file."))];
        return new OvaPackage(path, description, disks);
    }

    /// <summary>Opens one of its disks to be read; an overlay makes it one to be written.</summary>
    public IDisk OpenDisk(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        if (index >= _disks.Count)
        {
            throw new OperatorException($"{_path} has {_disks.Count} disks; there is no disk {index + 1}.");
        }

        TarEntry entry = _disks[index];
        var window = new FileWindow(new HostImageFile(BlockFile.Open(_path, readOnly: true)), $"{_path}/{entry.Name}", entry.Start, entry.Length);
        try
        {
            return DiskImages.FormatOf(window) switch
            {
                DiskFormat.Vmdk => VmdkImage.Open(window, window.Name, static name => throw new OperatorException($"{name} is no file of its own.")),
                DiskFormat.Raw => RawDisk.Open(window),
                DiskFormat other => throw new OperatorException($"{window.Name} is a {DiskFormats.NameOf(other)} image, which is not expected in a package; unpack it with tar and open it there."),
            };
        }
        catch
        {
            window.Dispose();
            throw;
        }
    }
}
