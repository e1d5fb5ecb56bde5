namespace Bulkhead.Abi.Virtio;

/// <summary>What one side of a console tells the other of a port.</summary>
/// <remarks>
/// <code>
/// port u32, event u16, value u16; behind a name its bytes, behind a size columns u16, rows u16
/// </code>
/// Linux has read rows first for a long time; Debian's 6.1 now reads a size as it stands here.
/// <para><i>Source</i>: VIRTIO 1.2, 5.3.6.2 Multiport Device Operation.</para>
/// </remarks>
public enum ConsoleEvent : ushort
{
    /// <summary>The driver is ready (1), or failed.</summary>
    DeviceReady = 0,

    /// <summary>There is a port.</summary>
    PortAdd = 1,

    /// <summary>There is none any more.</summary>
    PortRemove = 2,

    /// <summary>The driver is ready for the port (1), or failed.</summary>
    PortReady = 3,

    /// <summary>The port is a console.</summary>
    ConsolePort = 4,

    /// <summary>How large the console is.</summary>
    Resize = 5,

    /// <summary>Somebody opened the port on this side (1), or closed it.</summary>
    PortOpen = 6,

    /// <summary>What the port is called.</summary>
    PortName = 7,
}
