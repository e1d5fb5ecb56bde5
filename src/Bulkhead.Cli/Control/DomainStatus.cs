namespace Bulkhead.Cli.Control;

/// <summary>A domain as operators see it; the shape of <c>ps --json</c> and of the records of <c>up --json</c>.</summary>
/// <remarks><i>Units</i>: as the names say. What is counted is counted since the domain's measuring began, which is when the control
/// domain was ready, or when the system started.</remarks>
internal sealed record DomainStatus
{
    /// <summary>The domain's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its state, in lower case.</summary>
    public required string State { get; init; }

    /// <summary>How long it has been in this life, or since its end.</summary>
    public required double Seconds { get; init; }

    /// <summary>How the last life ended; null where none did.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The words for that.</summary>
    public string? Message { get; init; }

    /// <summary>How often it was started again.</summary>
    public required int Restarts { get; init; }

    /// <summary>The name of its pool.</summary>
    public required string Pool { get; init; }

    /// <summary>The pool's policy, in lower case.</summary>
    public string? Policy { get; init; }

    /// <summary>Its vCPUs.</summary>
    public required int Vcpus { get; init; }

    /// <summary>Guest RAM.</summary>
    public required ulong MemoryBytes { get; init; }

    /// <summary>The weight of each vCPU.</summary>
    public required int Weight { get; init; }

    /// <summary>How far each vCPU warps, in virtual time; 0 = not.</summary>
    public required long WarpNs { get; init; }

    /// <summary>The priority of each vCPU; null where its pool has none.</summary>
    public int? Priority { get; init; }

    /// <summary>Its consoles, by the names that Linux has for them; the first serial port first.</summary>
    public IReadOnlyList<string> Consoles { get; init; } = [];

    /// <summary>What <c>set</c> can change of it.</summary>
    public IReadOnlyList<string> Settable { get; init; } = [];

    /// <summary>The classes its vCPUs may be in, the most urgent first; null where it has none.</summary>
    public IReadOnlyList<ClassStatus>? Classes { get; init; }

    /// <summary>The class of each vCPU's turn, or of its last one where it sleeps; <c>base</c> for none of them.</summary>
    public IReadOnlyList<string>? VcpuClasses { get; init; }

    /// <summary>Percent of one host CPU, over the last second.</summary>
    public required double CpuPercent { get; init; }

    /// <summary>Percent of what its pool ran.</summary>
    public required double SharePercent { get; init; }

    /// <summary>Percent of the pool that its weight stands for.</summary>
    public required double WeightPercent { get; init; }

    /// <summary>VM exits, over the last second.</summary>
    public required long Exits { get; init; }

    /// <summary>VM exits in all.</summary>
    public required long TotalExits { get; init; }

    /// <summary>From wake-up to dispatch, 99% of those of the last second; null where it never slept.</summary>
    public long? WakeP99Ns { get; init; }

    /// <summary>The median.</summary>
    public long? LatencyP50Ns { get; init; }

    /// <summary>99% are no longer.</summary>
    public long? LatencyP99Ns { get; init; }

    /// <summary>99.9% are no longer.</summary>
    public long? LatencyP999Ns { get; init; }

    /// <summary>The longest.</summary>
    public long? LatencyMaxNs { get; init; }

    /// <summary>Of a wake-up of a CPU that slept: what the host took until the worker ran.</summary>
    public long? HostWakeP50Ns { get; init; }

    /// <summary>99% are no longer.</summary>
    public long? HostWakeP99Ns { get; init; }

    /// <summary>The longest.</summary>
    public long? HostWakeMaxNs { get; init; }

    /// <summary>Of a wake-up while another vCPU ran: what it took until that one's turn was over.</summary>
    public long? TurnEndP99Ns { get; init; }

    /// <summary>The longest.</summary>
    public long? TurnEndMaxNs { get; init; }

    /// <summary>From there to the guest's first instruction, where nobody was to run before.</summary>
    public long? EntryP50Ns { get; init; }

    /// <summary>99% are no longer.</summary>
    public long? EntryP99Ns { get; init; }

    /// <summary>The longest.</summary>
    public long? EntryMaxNs { get; init; }

    /// <summary>From another vCPU's last instruction to the guest's first.</summary>
    public long? SwitchP50Ns { get; init; }

    /// <summary>99% are no longer.</summary>
    public long? SwitchP99Ns { get; init; }

    /// <summary>How long it can be while the domain has not run beyond its share; null where there is no bound.</summary>
    public long? LevelBoundNs { get; init; }

    /// <summary>How long it can be, whatever the domain did.</summary>
    public long? WorstBoundNs { get; init; }
}
