using System.Globalization;
using System.Text;
using Bulkhead.Cli.Machines;
using Bulkhead.Host;
using Bulkhead.Images;
using Bulkhead.Machine;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;
using Bulkhead.Machine.Smbios;

namespace Bulkhead.Cli.Systems;

/// <summary>Turns what a system file says of pools and domains into what the machine builds.</summary>
internal static class DomainRequests
{
    /// <summary>The real-time priority of workers that have one.</summary>
    internal const int WorkerPriority = 1;

    /// <summary>Describes a pool of these host CPUs.</summary>
    internal static PoolRequest Describe(PoolConfig pool, IReadOnlyList<int> cpus) => new()
    {
        Name = pool.Name,
        Cpus = cpus,
        Policy = pool.Policy,
        Frame = pool.Frame,
        AllowanceNs = pool.AllowanceNs,
        SpinNs = pool.SpinNs,
        RealTimePriority = pool.RealTime ? WorkerPriority : 0,
    };

    /// <summary>Describes one domain; an image it names is found or made first.</summary>
    internal static DomainRequest Describe(SystemConfig system, DomainConfig d, UpRequest request, GuestConsole console, Action<string> say)
    {
        string? kernel = d.KernelPath;
        FirmwareRequest? firmware = d.Firmware;
        string? initrd = d.InitrdPath;
        string words = string.Empty;
        IReadOnlyList<DiskRequest> disks = [];
        if (d.Image is { } recipe)
        {
            ImageGuest guest = ImageGuest.Find(request.Images, new ImageRequest(recipe), $"{request.Name}.{d.Name}", d.Snapshot, say);
            if (d.Firmware is not null && guest.Disks.Count == 0)
            {
                throw new OperatorException($"{d.Name}: image {recipe} has no disk that firmware could start; give it one that has, or leave firmware out.", 2);
            }

            firmware = guest.Own(firmware);
            (kernel, initrd, words, disks) = (guest.Image.KernelPath, guest.Image.InitrdPath, guest.Image.Append, guest.Disks);
        }

        return new DomainRequest
        {
            Name = d.Name,
            Uuid = d.Uuid ?? (system.IsVirtual ? DomainUuid.Of($"{request.Name}.{d.Name}") : DomainUuid.OfHere($"{request.Name}.{d.Name}")),
            KernelPath = kernel,
            Firmware = firmware,
            InitrdPath = initrd,
            Modules = d.Modules,
            LinuxWords = LinuxWords(d, words, d == system.Domains[0] ? request.DurationNs : null),
            CommandLine = d.Append,
            MemoryBytes = d.MemoryBytes,
            Vcpus = d.Vcpus,
            Serial = console.Write,
            Share = d.Share,
            Disks = [.. disks, .. d.Disks],
            Nets = d.Nets,
            Shares = d.Shares,
            Console = d.Console,
            ConsoleOutput = console.Virtio is { } log ? log.Write : null,
            Ports = d.Ports,
            Entropy = d.Entropy,
            Balloon = d.Balloon,
            Display = d.Display,
            Vsock = d.Vsock,
            StartsOff = true,
            Cpus = d.Cpus,
            Pool = system.Pools.Select(static p => p.Name).ToList().IndexOf(d.Pool),
        };
    }

    /// <summary>What a Linux kernel is told; it hands words it does not know to init as variables.</summary>
    private static string LinuxWords(DomainConfig d, string image, long? durationNs)
    {
        StringBuilder line = new StringBuilder("quiet");
        if (image.Length > 0)
        {
            _ = line.Append(' ').Append(image);
        }

        if (d.Task is { } task)
        {
            _ = line.Append(CultureInfo.InvariantCulture, $" bulkhead.task={task}");
        }

        if (durationNs is { } ns)
        {
            _ = line.Append(CultureInfo.InvariantCulture, $" bulkhead.seconds={Math.Max(ns / 1_000_000_000, 1)}");
        }

        foreach ((string name, string value) in d.Environment)
        {
            string quote = value.Contains(' ', StringComparison.Ordinal) ? "\"" : string.Empty;
            _ = line.Append(CultureInfo.InvariantCulture, $" {name}={quote}{value}{quote}");
        }

        return line.ToString();
    }
}
