namespace Bulkhead.Machine.Admission;

/// <summary>Whether the schedule gives a vCPU the latency its domain needs.</summary>
public enum LatencyVerdict
{
    /// <summary>The domain names no need.</summary>
    None,

    /// <summary>Whatever anybody does.</summary>
    Always,

    /// <summary>As long as it has not run more beyond its share than its loan.</summary>
    WithinLoan,

    /// <summary>No: the system is refused.</summary>
    Refused,
}
