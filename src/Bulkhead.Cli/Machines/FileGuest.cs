using System.Globalization;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Images;
using Bulkhead.Machine.Boot;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Disks;
using Bulkhead.Machine.Firmware;

namespace Bulkhead.Cli.Machines;

/// <summary>What a guest that starts from somebody's disk, or from a package of a machine, gets of it.</summary>
/// <param name="Firmware">What starts it.</param>
/// <param name="Disks">The disk; or the package's, unpacked.</param>
/// <param name="Cpus">How many processors a package gives it; null for a disk.</param>
/// <param name="MemoryBytes">How much memory, likewise.</param>
internal sealed record FileGuest(FirmwareRequest Firmware, IReadOnlyList<DiskRequest> Disks, int? Cpus, ulong? MemoryBytes)
{
    private const ulong MemoryUnit = 1UL << 20;

    /// <summary>Whether a word names such a file, rather than an image or the recipe of one.</summary>
    internal static bool IsFile(string word) =>
        !ImageStore.RecipeNames.Contains(word) && !word.EndsWith(".yaml", StringComparison.Ordinal) && (File.Exists(word) || word.Contains('/', StringComparison.Ordinal));

    /// <summary>Looks what a file holds. The disks of a package are unpacked where what its guest writes is kept, the first time.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">The name under which a package's disks are kept.</param>
    /// <param name="forget">Whether what the guest writes is gone at its end.</param>
    /// <param name="firmware">What starts it; null: what the first disk is made for.</param>
    /// <param name="own">Where guests keep what they write.</param>
    /// <param name="say">Told what is done.</param>
    internal static FileGuest Open(string file, string name, bool forget, FirmwareRequest? firmware, DomainImages own, Action<string> say)
    {
        string path = Path.GetFullPath(file);
        if (PathFault.OfFile(path) is { } fault)
        {
            throw new OperatorException($"{file}: {fault}, nor is there an image of that name.", 2);
        }

        if (IsKernel(path))
        {
            throw new OperatorException($"{file} is a kernel, not a disk; use --kernel {file}.", 2);
        }

        PackagedMachine? machine = DiskTool.IsPackage(path) ? DiskTool.Describe(path, null).Machine : null;
        List<DiskRequest> disks = machine is not null
            ? Unpack(path, machine, name, forget, own, say)
            : [new DiskRequest { Path = path, ReadOnly = DiskTool.IsIso(path), Snapshot = forget }];
        if (firmware is null)
        {
            string word = disks.Count == 0 || DiskTool.StartsByBios(disks[0].Path) ? "seabios" : "ovmf";
            firmware = FirmwareRequest.Parse(word, out string? error) ?? throw new OperatorException(error ?? word, 2);
        }

        return new FileGuest(firmware, disks, machine?.Cpus, machine is null ? null : (ulong)machine.MemoryBytes / MemoryUnit * MemoryUnit);
    }

    private static bool IsKernel(string path)
    {
        Span<byte> head = stackalloc byte[KernelImage.HeadBytes];
        using FileStream stream = File.OpenRead(path);
        return stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && KernelImage.IsKernel(head);
    }

    private static List<DiskRequest> Unpack(string path, PackagedMachine machine, string name, bool forget, DomainImages own, Action<string> say)
    {
        string folder = own.FolderOf(name);
        _ = Directory.CreateDirectory(folder);
        var disks = new List<DiskRequest>();
        for (int i = 0; i < machine.Disks.Count; i++)
        {
            string disk = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"disk{i + 1}.qcow2"));
            if (!File.Exists(disk))
            {
                say($"{name}: {machine.Disks[i].File} is unpacked to {disk}, which keeps what the guest writes; delete that to start afresh");
                DiskTool.Convert(path, null, null, i, disk, "qcow2");
            }

            disks.Add(new DiskRequest { Path = disk, Format = "qcow2", Snapshot = forget });
        }

        return disks;
    }
}
