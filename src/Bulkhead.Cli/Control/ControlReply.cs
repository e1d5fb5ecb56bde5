
using Bulkhead.Machine.Devices;

namespace Bulkhead.Cli.Control;

/// <summary>What a running system answers: one line of JSON; for <c>logs</c> and <c>console</c> the guest's bytes follow, for <c>trace</c>, <c>capture</c> and <c>screenshot</c> the file.</summary>
internal sealed record ControlReply
{
    /// <summary>0, or the exit code of the client's command.</summary>
    public int ExitCode { get; init; }

    /// <summary>What is wrong.</summary>
    public string? Error { get; init; }

    /// <summary>The system's name.</summary>
    public string? System { get; init; }

    /// <summary>For <c>why</c>: the longest waits of the domain's vCPUs.</summary>
    public IReadOnlyList<WaitReport>? Waits { get; init; }

    /// <summary>For <c>networks</c>: those between its domains.</summary>
    public IReadOnlyList<NetworkReport>? Networks { get; init; }

    /// <summary>For <c>channels</c>: those its domains share.</summary>
    public IReadOnlyList<ChannelReport>? Channels { get; init; }

    /// <summary>For <c>resize</c>: how many bytes the disk has now.</summary>
    public long? DiskBytes { get; init; }

    /// <summary>Its domains, or the one that was asked for.</summary>
    public IReadOnlyList<DomainStatus>? Domains { get; init; }
}
