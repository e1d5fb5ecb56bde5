namespace Bulkhead.Cli.Systems;

/// <summary>What of a domain's measures changes only while it runs; <see cref="Control.DomainStatus"/> explains each.</summary>
internal sealed record DomainFigures
{
    internal required long TotalExits { get; init; }

    internal required long? LatencyP50Ns { get; init; }

    internal required long? LatencyP99Ns { get; init; }

    internal required long? LatencyP999Ns { get; init; }

    internal required long? LatencyMaxNs { get; init; }

    internal required long? HostWakeP50Ns { get; init; }

    internal required long? HostWakeP99Ns { get; init; }

    internal required long? HostWakeMaxNs { get; init; }

    internal required long? TurnEndP99Ns { get; init; }

    internal required long? TurnEndMaxNs { get; init; }

    internal required long? EntryP50Ns { get; init; }

    internal required long? EntryP99Ns { get; init; }

    internal required long? EntryMaxNs { get; init; }

    internal required long? SwitchP50Ns { get; init; }

    internal required long? SwitchP99Ns { get; init; }
}
