namespace Bulkhead.Cli.Control;

/// <summary>What another vCPU ran during a wait, against what the bound grants it.</summary>
/// <remarks><i>Units</i>: nanoseconds.</remarks>
internal sealed record WaitReportPart
{
    /// <summary>Its domain.</summary>
    public required string Domain { get; init; }

    /// <summary>Its number.</summary>
    public required int Vcpu { get; init; }

    /// <summary>The class it was in; null where its domain has none.</summary>
    public string? Class { get; init; }

    /// <summary>How long the turn it was in went on.</summary>
    public required long TurnEndNs { get; init; }

    /// <summary>How long the turns lasted to which it was dispatched first.</summary>
    public required long RanNs { get; init; }

    /// <summary>How many those were.</summary>
    public required int Turns { get; init; }

    /// <summary>What it ran while the one that waited could not have run in any case.</summary>
    public required long ClosedNs { get; init; }

    /// <summary>By which rule of the policy it was dispatched first; null where it was not, or the rules changed meanwhile.</summary>
    public string? Reason { get; init; }

    /// <summary>How much of the turn's end and of those turns the host kept the CPU from us.</summary>
    public required long StolenNs { get; init; }

    /// <summary>How long it may run first while the one that waits has not run beyond its share; null where nothing bounds it by itself.</summary>
    public long? LevelBoundNs { get; init; }

    /// <summary>How long it may run first, whatever the one that waits ran before.</summary>
    public long? WorstBoundNs { get; init; }
}
