namespace Bulkhead.Abi.Virtio;

/// <summary>What a packet between sockets is for.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.10.6 Device Operation.</remarks>
public enum VsockOperation : ushort
{
    /// <summary>None: no packet has it.</summary>
    Invalid = 0,

    /// <summary>Asks for a connection.</summary>
    Request = 1,

    /// <summary>Accepts one.</summary>
    Response = 2,

    /// <summary>There is no such connection, or no more.</summary>
    Reset = 3,

    /// <summary>The sender receives or sends no more.</summary>
    Shutdown = 4,

    /// <summary>Carries data.</summary>
    ReadWrite = 5,

    /// <summary>Tells how much may be sent.</summary>
    CreditUpdate = 6,

    /// <summary>Asks for that.</summary>
    CreditRequest = 7,
}
