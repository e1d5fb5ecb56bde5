namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>How far a connection is.</summary>
internal enum VsockState
{
    /// <summary>A process of the host has not yet said which port it wants.</summary>
    Greeting,

    /// <summary>The guest asked, and the other domain has not answered.</summary>
    Asked,

    /// <summary>The guest was asked, and has not answered.</summary>
    Asking,

    /// <summary>Both agreed.</summary>
    Open,

    /// <summary>Over for the guest, which a reset has yet to tell; what it sent may still be on the way.</summary>
    Ending,

    /// <summary>Over, and the guest knows: what it sent is still on the way.</summary>
    Lingering,

    /// <summary>Over.</summary>
    Closed,
}
