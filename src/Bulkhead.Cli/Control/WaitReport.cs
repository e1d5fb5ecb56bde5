namespace Bulkhead.Cli.Control;

/// <summary>One long wait of a vCPU from wake-up to dispatch, and what it was made of.</summary>
/// <remarks><i>Units</i>: nanoseconds, unless the name says otherwise.</remarks>
internal sealed record WaitReport
{
    /// <summary>The vCPU's number.</summary>
    public required int Vcpu { get; init; }

    /// <summary>The class in which it was dispatched; null where its domain has none.</summary>
    public string? Class { get; init; }

    /// <summary>How long ago it was woken.</summary>
    public required double SecondsAgo { get; init; }

    /// <summary>How long it waited.</summary>
    public required long WaitedNs { get; init; }

    /// <summary>How long it may wait while it has not run beyond its share.</summary>
    public required long LevelBoundNs { get; init; }

    /// <summary>How long it may wait, whatever it ran before.</summary>
    public required long WorstBoundNs { get; init; }

    /// <summary>How long the turn that runs may go on after its wake-up.</summary>
    public required long TurnEndBoundNs { get; init; }

    /// <summary>Who ran meanwhile.</summary>
    public required IReadOnlyList<WaitReportPart> Parts { get; init; }

    /// <summary>Time in which no vCPU ran: the worker's own, or the host's.</summary>
    public required long NobodyNs { get; init; }
}
