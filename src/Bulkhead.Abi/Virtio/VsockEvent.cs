namespace Bulkhead.Abi.Virtio;

/// <summary>What a socket device tells on its event queue, in four bytes.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.10.6.7 Device Events.</remarks>
public static class VsockEvent
{
    /// <summary>Bytes of an event.</summary>
    public const int Bytes = 4;

    /// <summary>Every connection is gone, and the CID may be another.</summary>
    public const uint TransportReset = 0;
}
