using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Host.Files;

namespace Bulkhead.Machine.Devices;

/// <summary>A disk a domain is to have.</summary>
public sealed record DiskRequest
{
    /// <summary>How a disk is written on a command line.</summary>
    public const string Form = "FILE[,ro][,format=raw|qcow2|vmdk|vdi][,cache=writeback|none][,snapshot][,serial=TEXT][,bus=pci|mmio][,iops=N][,bps=SIZE][,burst=TIME]";

    /// <summary>The formats of images.</summary>
    internal static readonly string[] Formats = [.. DiskFormats.Names];

    /// <summary>With the host's cache, or past it.</summary>
    internal static readonly string[] Caches = ["writeback", "none"];

    /// <summary>On PCI, or in a window of registers that ACPI names.</summary>
    internal static readonly string[] Buses = ["pci", "mmio"];

    /// <summary>The file that holds it.</summary>
    public required string Path { get; init; }

    /// <summary>Whether the guest may only read it.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The image's format, or null: what it says itself.</summary>
    public string? Format { get; init; }

    /// <summary>Whether the host's cache is passed by.</summary>
    public bool Uncached { get; init; }

    /// <summary>Whether what is written is forgotten at the end, and the file stays as it is.</summary>
    public bool Snapshot { get; init; }

    /// <summary>Whether the guest finds it in a register window instead of on PCI.</summary>
    public bool Mmio { get; init; }

    /// <summary>How much it serves, or null for any amount.</summary>
    public DeviceLimit? Limit { get; init; }

    /// <summary>What the guest finds as its serial number; the first 20 characters count.</summary>
    public string Serial { get; init; } = string.Empty;

    /// <summary>Whether there are disks, but all in register windows, where firmware finds none.</summary>
    internal static bool AreForKernels(IReadOnlyList<DiskRequest> disks) => disks.Count > 0 && disks.All(static d => d.Mmio);

    /// <summary>Opens it; the caller disposes it.</summary>
    /// <param name="failed">Is told whenever the host fails at a file of it.</param>
    internal IDisk Open(Action<HostFailure> failed) => DiskImages.Open(Path, new DiskOptions
    {
        Format = DiskFormats.TryParse(Format, out DiskFormat format) ? format : null,
        ReadOnly = ReadOnly,
        Cache = Uncached ? DiskCache.None : DiskCache.WriteBack,
        Overlay = Snapshot,
        Failed = failed,
    });

    /// <summary>Reads what a command line says.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static DiskRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (DeviceWords.Parse(text, ["ro", "snapshot"], ["format", "cache", "serial", "bus", "iops", "bps", "burst"], out error) is not { } words)
        {
            return null;
        }

        DeviceLimit? limit = DeviceLimit.Parse(words, "iops", "bps", out error);
        error = PathFault.OfFile(words.What) is { } fault ? $"{words.What}: {fault}; give the path of a disk image."
            : Choice("format", words.Value("format"), Formats) ?? Choice("cache", words.Value("cache"), Caches) ?? Choice("bus", words.Value("bus"), Buses) ?? error;
        return error is not null ? null : new DiskRequest
        {
            Path = System.IO.Path.GetFullPath(words.What),
            ReadOnly = words.Has("ro"),
            Format = words.Value("format"),
            Uncached = words.Value("cache") == Caches[1],
            Snapshot = words.Has("snapshot"),
            Mmio = words.Value("bus") == "mmio",
            Serial = words.Value("serial") ?? string.Empty,
            Limit = limit,
        };
    }

    private static string? Choice(string name, string? value, string[] known) =>
        value is null || known.Contains(value) ? null : $"{name}={value}: give one of {string.Join(", ", known)}.";
}
