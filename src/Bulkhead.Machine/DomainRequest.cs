using Bulkhead.Core.Memory;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Firmware;
using Bulkhead.Machine.Smbios;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine;

/// <summary>What a domain is to be.</summary>
public sealed record DomainRequest
{
    /// <summary>Tells a Linux kernel where its console is, and to reset the machine when it panics.</summary>
    public const string LinuxConsole = "console=ttyS0,115200 panic=-1";

    private const string LinuxScreen = "console=tty0 "; // before that: its messages go there too

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The UUID it finds (SMBIOS); null: one made of its name.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>The kernel file; null with <see cref="Firmware"/> only.</summary>
    public string? KernelPath { get; init; }

    /// <summary>The firmware that starts it, or null: the kernel is started directly.</summary>
    public FirmwareRequest? Firmware { get; init; }

    /// <summary>The initial RAM disk file, or null.</summary>
    public string? InitrdPath { get; init; }

    /// <summary>The files a Multiboot kernel is handed, in order.</summary>
    public IReadOnlyList<ModuleRequest> Modules { get; init; } = [];

    /// <summary>What a Linux kernel is told between <see cref="LinuxConsole"/> and its command line; kernels of other kinds are not.</summary>
    public string LinuxWords { get; init; } = string.Empty;

    /// <summary>The kernel's command line.</summary>
    public string CommandLine { get; init; } = string.Empty;

    /// <summary>RAM in bytes, a multiple of 4096.</summary>
    public ulong MemoryBytes { get; init; } = 256ul << 20;

    /// <summary>How many vCPUs.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>The CPU model's name; the engine knows what it means.</summary>
    public string CpuModel { get; init; } = "auto";

    /// <summary>Takes the serial output; unless another is named, it vanishes.</summary>
    public SerialOutput Serial { get; init; } = static _ => { };

    /// <summary>Its disks, in the order in which it finds them.</summary>
    public IReadOnlyList<DiskRequest> Disks { get; init; } = [];

    /// <summary>Its network cards.</summary>
    public IReadOnlyList<NetRequest> Nets { get; init; } = [];

    /// <summary>The folders of the host it has.</summary>
    public IReadOnlyList<ShareRequest> Shares { get; init; } = [];

    /// <summary>Its virtio console, or null for none.</summary>
    public ConsoleRequest? Console { get; init; }

    /// <summary>Takes what it writes to that console, or null; <see cref="Domain.SendConsoleInput"/> then types there.</summary>
    public Action<ReadOnlySpan<byte>>? ConsoleOutput { get; init; }

    /// <summary>The ports with names at it.</summary>
    public IReadOnlyList<PortRequest> Ports { get; init; } = [];

    /// <summary>Whether it has a device that gives random bytes.</summary>
    public bool Entropy { get; init; }

    /// <summary>Whether it has a device that gives memory it has no use for back to the host.</summary>
    public bool Balloon { get; init; }

    /// <summary>Its display, with a keyboard, or null for none.</summary>
    public DisplayRequest? Display { get; init; }

    /// <summary>Its sockets to the host and to other domains, or null for none.</summary>
    public VsockRequest? Vsock { get; init; }

    /// <summary>Whether port 0xF4 ends the domain.</summary>
    public bool DebugExit { get; init; }

    /// <summary>What each of its vCPUs is entitled to.</summary>
    public Share Share { get; init; } = new();

    /// <summary>Whether it waits for <see cref="Domain.Start"/> rather than running from the machine's start on.</summary>
    public bool StartsOff { get; init; }

    /// <summary>The index of the pool its vCPUs run in.</summary>
    public int Pool { get; init; }

    /// <summary>The CPUs its vCPUs may be on, as numbers in the pool's list; empty: any of the pool's.</summary>
    public IReadOnlyList<int> Cpus { get; init; } = [];

    /// <summary>All a Linux kernel is told before its command line.</summary>
    internal string AllLinuxWords => $"{(Display is null ? string.Empty : LinuxScreen)}{LinuxConsole} {LinuxWords}".TrimEnd();

    /// <summary>What SMBIOS tells of it, once it has RAM.</summary>
    internal SmbiosMachine ToSmbios(GuestMemory memory) => new(Uuid ?? DomainUuid.Of(Name), Vcpus, memory.LowSizeBytes, memory.HighSizeBytes);
}
