using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Configuration;

/// <summary>One domain as the operator described it, defaults filled in.</summary>
/// <remarks>Exactly one of <see cref="Image"/>, <see cref="KernelPath"/> and <see cref="Firmware"/> is set, or the first and the last.</remarks>
public sealed record DomainConfig
{
    /// <summary>Unique in the system; a prefix of its lines on the terminal.</summary>
    public required string Name { get; init; }

    /// <summary>The UUID the guest finds; null: one made of the system's name and its own.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>The name of a guest image recipe, where the guest comes from one.</summary>
    public string? Image { get; init; }

    /// <summary>Whether what is written to the image's own disk is forgotten at the end.</summary>
    public bool Snapshot { get; init; }

    /// <summary>The absolute path of a kernel, where the guest is booted from files.</summary>
    public string? KernelPath { get; init; }

    /// <summary>The absolute path of an initial RAM disk, with <see cref="KernelPath"/> only.</summary>
    public string? InitrdPath { get; init; }

    /// <summary>The files a Multiboot kernel is handed, with <see cref="KernelPath"/> only.</summary>
    public IReadOnlyList<ModuleRequest> Modules { get; init; } = [];

    /// <summary>The firmware that starts it, or null.</summary>
    public FirmwareRequest? Firmware { get; init; }

    /// <summary>What is added to the kernel's command line; may be empty.</summary>
    public string Append { get; init; } = "";

    /// <summary>Guest RAM in bytes, a multiple of 4 KiB.</summary>
    public ulong MemoryBytes { get; init; } = SystemFile.DefaultMemoryBytes;

    /// <summary>The number of vCPUs.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>The weight of each vCPU.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>The warp of each vCPU, or null where it never warps.</summary>
    public WarpConfig? Warp { get; init; }

    /// <summary>What each vCPU has reserved, or null.</summary>
    public ReservationConfig? Reservation { get; init; }

    /// <summary>The fixed priority of each vCPU.</summary>
    public int Priority { get; init; }

    /// <summary>The classes of each vCPU, the most urgent first.</summary>
    public IReadOnlyList<ShareClass> Classes { get; init; } = [];

    /// <summary>The longest time from wake-up to dispatch it can live with, or null where it names none.</summary>
    public LatencyNeed? Latency { get; init; }

    /// <summary>When it is started again after its end.</summary>
    public RestartConfig Restart { get; init; } = new(RestartWhen.Never);

    /// <summary>How long a vCPU may run without halting or taking an interrupt, in nanoseconds; 0 = nobody watches.</summary>
    public long WatchdogNs { get; init; }

    /// <summary>The names of the domains that must be ready before it starts.</summary>
    public IReadOnlyList<string> DependsOn { get; init; } = [];

    /// <summary>What it prints when it is ready; null: the first line it prints.</summary>
    public string? ReadyText { get; init; }

    /// <summary>Variables for the guest's init.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>What <c>bulkhead test</c> checks.</summary>
    public IReadOnlyList<Expectation> Expectations { get; init; } = [];

    /// <summary>Its disks.</summary>
    public IReadOnlyList<DiskRequest> Disks { get; init; } = [];

    /// <summary>Its network cards.</summary>
    public IReadOnlyList<NetRequest> Nets { get; init; } = [];

    /// <summary>The folders of the host it has.</summary>
    public IReadOnlyList<ShareRequest> Shares { get; init; } = [];

    /// <summary>Its virtio console, or null for none.</summary>
    public ConsoleRequest? Console { get; init; }

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

    /// <summary>The name of the pool its vCPUs run in.</summary>
    public required string Pool { get; init; }

    /// <summary>The CPUs its vCPUs may be on, as numbers in the pool's list; empty: any of the pool's.</summary>
    public IReadOnlyList<int> Cpus { get; init; } = [];

    /// <summary>What an image's init does (<c>shell</c>, <c>burn</c>, <c>cyclictest</c>, <c>script</c>, <c>storm</c>, <c>urgency</c>); null with a kernel.</summary>
    public string? Task { get; init; }

    /// <summary>The class that waking selects; null where none does.</summary>
    public ShareClass? WakeClass => Classes.FirstOrDefault(static c => c.WakeNs > 0);

    /// <summary>What each vCPU is entitled to.</summary>
    public Share Share => new(Weight, Warp?.ValueNs ?? 0, Warp?.LimitNs ?? 0, Warp?.UnwarpNs ?? 0)
    {
        Reservation = Reservation?.Cpu,
        Priority = Priority,
        Partition = Name,
        HasDeadline = Latency is not null,
        Classes = Classes,
    };
}
