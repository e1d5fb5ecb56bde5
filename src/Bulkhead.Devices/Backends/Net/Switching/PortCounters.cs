namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>What became of a member's frames.</summary>
public record struct PortCounters
{
    /// <summary>Frames it sent.</summary>
    public long Sent { get; set; }

    /// <summary>Their bytes.</summary>
    public long SentBytes { get; set; }

    /// <summary>Of those: dropped because no rule lets them pass, or one says so.</summary>
    public long Denied { get; set; }

    /// <summary>Dropped as malformed.</summary>
    public long Malformed { get; set; }

    /// <summary>Dropped since they were sent with another's address.</summary>
    public long Spoofed { get; set; }

    /// <summary>Dropped since nobody has the address, or who has it is off.</summary>
    public long Unreachable { get; set; }

    /// <summary>Frames it received.</summary>
    public long Received { get; set; }

    /// <summary>Their bytes.</summary>
    public long ReceivedBytes { get; set; }

    /// <summary>Frames to it that were dropped because its queue was full.</summary>
    public long Overrun { get; set; }
}
