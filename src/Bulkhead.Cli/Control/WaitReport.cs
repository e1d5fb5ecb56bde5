namespace Bulkhead.Cli.Control;

/// <summary>One long wait of a vCPU from wake-up to dispatch, and what it was made of.</summary>
/// <remarks><i>Units</i>: nanoseconds, unless the name says otherwise. The bounds are those that held then; where the shares or the policy
/// changed meanwhile none did, and policy and bounds are null.</remarks>
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

    /// <summary>How its CPU was shared.</summary>
    public string? Policy { get; init; }

    /// <summary>How long it may wait while it has not run beyond its share.</summary>
    public long? LevelBoundNs { get; init; }

    /// <summary>How long it may wait, whatever it ran before.</summary>
    public long? WorstBoundNs { get; init; }

    /// <summary>How long these bounds had held when it was woken; null where the operator has changed nothing before.</summary>
    public double? BoundSeconds { get; init; }

    /// <summary>How long the turn that runs may go on after its wake-up.</summary>
    public long? TurnEndBoundNs { get; init; }

    /// <summary>What it waited for rather than for others: its next window, or budget; null where the policy has no such thing.</summary>
    public string? Term { get; init; }

    /// <summary>How long that was away.</summary>
    public long? TermNs { get; init; }

    /// <summary>How long it may be.</summary>
    public long? TermBoundNs { get; init; }

    /// <summary>Whether the rules that hold now held in all of it.</summary>
    public required bool IsCurrent { get; init; }

    /// <summary>Who ran meanwhile.</summary>
    public required IReadOnlyList<WaitReportPart> Parts { get; init; }

    /// <summary>Time in which it might have run, and no vCPU did: the worker's own, or the host's.</summary>
    public required long NobodyNs { get; init; }

    /// <summary>What somebody ran of whom nothing was kept.</summary>
    public required long UnknownNs { get; init; }
}
