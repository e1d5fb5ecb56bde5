using Bulkhead.Machine;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;

namespace Bulkhead.Cli.Machines;

/// <summary>One guest to run; every value is checked, every path absolute and, where it is read, there.</summary>
internal sealed record RunRequest
{
    /// <summary>The kernel image, or null with <see cref="Firmware"/>.</summary>
    internal required string? KernelPath { get; init; }

    /// <summary>The firmware that starts the guest from a disk, or null.</summary>
    internal FirmwareRequest? Firmware { get; init; }

    /// <summary>The initial RAM disk, or null for none.</summary>
    internal required string? InitrdPath { get; init; }

    /// <summary>The files a Multiboot kernel is handed.</summary>
    internal IReadOnlyList<ModuleRequest> Modules { get; init; } = [];

    /// <summary>The kernel's command line, behind what a Linux kernel is told anyway.</summary>
    internal required string Append { get; init; }

    /// <summary>The guest's RAM, a multiple of 1 MiB.</summary>
    internal required ulong MemoryBytes { get; init; }

    /// <summary>The number of vCPUs.</summary>
    internal required int Cpus { get; init; }

    /// <summary>The CPU the guest sees.</summary>
    internal required CpuModel CpuModel { get; init; }

    /// <summary>The engine asked for.</summary>
    internal required EngineChoice Engine { get; init; }

    /// <summary>What the guest's time is made of.</summary>
    internal required ClockChoice Clock { get; init; }

    /// <summary>Switches of the engine, for developers.</summary>
    internal required string EngineOptions { get; init; }

    /// <summary>The first serial port's other end.</summary>
    internal required SerialTarget Serial { get; init; }

    /// <summary>The guest's disks.</summary>
    internal required IReadOnlyList<DiskRequest> Disks { get; init; }

    /// <summary>The guest's network cards.</summary>
    internal required IReadOnlyList<NetRequest> Nets { get; init; }

    /// <summary>The folders of the host that the guest has.</summary>
    internal IReadOnlyList<ShareRequest> Shares { get; init; } = [];

    /// <summary>The guest's virtio console, or null for none.</summary>
    internal ConsoleRequest? Console { get; init; }

    /// <summary>The ports with names at it.</summary>
    internal IReadOnlyList<PortRequest> Ports { get; init; } = [];

    /// <summary>Whether the guest has a device that gives random bytes.</summary>
    internal bool Entropy { get; init; }

    /// <summary>Whether the guest has a device that gives memory it has no use for back to the host.</summary>
    internal bool Balloon { get; init; }

    /// <summary>The guest's display, or null for none.</summary>
    internal DisplayRequest? Display { get; init; }

    /// <summary>Where what it shows at the end is written, or null for nowhere.</summary>
    internal string? ScreenshotPath { get; init; }

    /// <summary>The guest's sockets to the host, or null for none.</summary>
    internal VsockRequest? Vsock { get; init; }

    /// <summary>When to give up (exit code 124), in nanoseconds of wall time from the start of the machine; null for never.</summary>
    internal required long? TimeoutNs { get; init; }

    /// <summary>Whether port 0xf4 ends the machine with a status.</summary>
    internal required bool DebugExit { get; init; }

    /// <summary>Whether counters are printed to standard error at the end.</summary>
    internal required bool Stats { get; init; }

    /// <summary>Where the guest's profile is written, or null for none.</summary>
    internal required string? ProfilePath { get; init; }

    /// <summary>Where a trace is written, or null for no trace.</summary>
    internal required string? TracePath { get; init; }
}
