namespace Bulkhead.Machine.Devices;

/// <summary>What a rule of a network did.</summary>
public sealed record NetworkRuleReport
{
    /// <summary>What it says.</summary>
    public required string Rule { get; init; }

    /// <summary>Frames it let pass.</summary>
    public required long Frames { get; init; }

    /// <summary>Their bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Frames that answered those.</summary>
    public required long Replies { get; init; }

    /// <summary>The bytes of the answers.</summary>
    public required long ReplyBytes { get; init; }

    /// <summary>Frames it dropped.</summary>
    public required long Dropped { get; init; }
}
