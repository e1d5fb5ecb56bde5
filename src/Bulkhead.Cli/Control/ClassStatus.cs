namespace Bulkhead.Cli.Control;

/// <summary>A class of a domain's vCPUs as operators see it.</summary>
/// <remarks><i>Units</i>: nanoseconds, the warp in virtual time; what the pool's policy does not have is left out, and so are limits that are not there.</remarks>
internal sealed record ClassStatus
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its warp.</summary>
    public long? WarpNs { get; init; }

    /// <summary>Its priority.</summary>
    public int? Priority { get; init; }

    /// <summary>How long a vCPU may run in it.</summary>
    public long? LimitNs { get; init; }

    /// <summary>How long it must then stay out of it.</summary>
    public long? RestNs { get; init; }
}
