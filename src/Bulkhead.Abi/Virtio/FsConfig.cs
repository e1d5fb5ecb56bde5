namespace Bulkhead.Abi.Virtio;

/// <summary>The configuration of a shared file system: its tag in UTF-8 with zeros behind it, and how many request queues there are (u32).</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.11.4 Device configuration layout.</remarks>
public static class FsConfig
{
    /// <summary>The most bytes of a tag.</summary>
    public const int TagBytes = 36;

    /// <summary>How many request queues there are; they stand behind the queue of what is urgent.</summary>
    public const int RequestQueues = 36;

    /// <summary>All of it.</summary>
    public const int Size = 40;
}
