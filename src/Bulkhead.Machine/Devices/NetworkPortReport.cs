namespace Bulkhead.Machine.Devices;

/// <summary>What became of the frames of a member of a network.</summary>
public sealed record NetworkPortReport
{
    /// <summary>The domain.</summary>
    public required string Domain { get; init; }

    /// <summary>Its card's address.</summary>
    public required string Mac { get; init; }

    /// <summary>Frames it sent.</summary>
    public required long Sent { get; init; }

    /// <summary>Their bytes.</summary>
    public required long SentBytes { get; init; }

    /// <summary>Frames it received.</summary>
    public required long Received { get; init; }

    /// <summary>Their bytes.</summary>
    public required long ReceivedBytes { get; init; }

    /// <summary>Frames it sent that no rule let pass, or a rule's limit did not.</summary>
    public required long Denied { get; init; }

    /// <summary>Frames it sent that are malformed.</summary>
    public required long Malformed { get; init; }

    /// <summary>Frames it sent with another's address.</summary>
    public required long Spoofed { get; init; }

    /// <summary>Frames it sent to whom there is not, or is off.</summary>
    public required long Unreachable { get; init; }

    /// <summary>Frames to it that it was too slow to take.</summary>
    public required long Overrun { get; init; }
}
