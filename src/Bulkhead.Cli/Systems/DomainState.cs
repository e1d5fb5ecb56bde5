namespace Bulkhead.Cli.Systems;

/// <summary>Where a domain stands in its life.</summary>
internal enum DomainState
{
    /// <summary>Not started yet: a domain it depends on is not ready.</summary>
    Waiting,

    /// <summary>Started, and not ready yet.</summary>
    Booting,

    /// <summary>Ready.</summary>
    Running,

    /// <summary>Held still by the operator.</summary>
    Paused,

    /// <summary>Told to end.</summary>
    Stopping,

    /// <summary>Ended, and about to start again.</summary>
    Restarting,

    /// <summary>Ended, and nobody starts it.</summary>
    Exited,
}
