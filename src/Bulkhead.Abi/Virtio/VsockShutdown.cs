namespace Bulkhead.Abi.Virtio;

/// <summary>Flags of <see cref="VsockOperation.Shutdown"/>: what the sender does no more, for good.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.10.6.6 Stream Sockets.</remarks>
[Flags]
public enum VsockShutdown : uint
{
    /// <summary>Nothing ended.</summary>
    None = 0,

    /// <summary>It receives no more.</summary>
    Receive = 1,

    /// <summary>It sends no more.</summary>
    Send = 2,

    /// <summary>Neither.</summary>
    Both = Receive | Send,
}
