namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>What a rule did.</summary>
public record struct RuleCounters
{
    /// <summary>Frames it let pass.</summary>
    public long Frames { get; set; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; set; }

    /// <summary>Frames that answered those.</summary>
    public long Replies { get; set; }

    /// <summary>The bytes of the answers.</summary>
    public long ReplyBytes { get; set; }

    /// <summary>Frames it dropped, for what it says or for its limit.</summary>
    public long Dropped { get; set; }
}
