namespace Bulkhead.Channels;

/// <summary>How an operation on a ring ended.</summary>
public enum RingResult
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>Done, and the reader sleeps: ring its doorbell.</summary>
    OkReaderSleeps,

    /// <summary>Nothing to read, or no room to write.</summary>
    Empty,

    /// <summary>The message is larger than the buffer, or than any the ring can hold; it stays where it is.</summary>
    TooSmall,

    /// <summary>The other side broke the rules; the ring is refused for good.</summary>
    Broken,
}
