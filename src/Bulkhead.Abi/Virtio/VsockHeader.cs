namespace Bulkhead.Abi.Virtio;

/// <summary>What stands before the data of each packet between sockets.</summary>
/// <remarks>
/// <code>
/// source CID u64, destination CID u64, source port u32, destination port u32, length u32, type u16, operation u16, flags u32,
/// buffer bytes u32, forwarded bytes u32
/// </code>
/// <i>Source</i>: VIRTIO 1.2, 5.10.6 Device Operation.
/// </remarks>
public static class VsockHeader
{
    /// <summary>All of it.</summary>
    public const int Bytes = 44;

    /// <summary>Who sends: a CID.</summary>
    public const int SourceCid = 0;

    /// <summary>Who is meant: a CID.</summary>
    public const int DestinationCid = 8;

    /// <summary>The sender's port.</summary>
    public const int SourcePort = 16;

    /// <summary>The port that is meant.</summary>
    public const int DestinationPort = 20;

    /// <summary>How many bytes of data follow.</summary>
    public const int Length = 24;

    /// <summary>The kind of socket.</summary>
    public const int Type = 28;

    /// <summary>What the packet is for, a <see cref="VsockOperation"/>.</summary>
    public const int Operation = 30;

    /// <summary>Flags of the operation.</summary>
    public const int Flags = 32;

    /// <summary>How much the sender buffers for this connection.</summary>
    public const int BufferBytes = 36;

    /// <summary>How much of what it received it has passed on, counted modulo 2^32.</summary>
    public const int ForwardedBytes = 40;

    /// <summary>The one type of sockets here: a stream.</summary>
    public const ushort Stream = 1;

    /// <summary>The CID of the host.</summary>
    public const ulong HostCid = 2;

    /// <summary>The least CID of a guest.</summary>
    public const ulong LeastGuestCid = 3;

    /// <summary>The largest CID: the upper half is reserved, and the next one means any.</summary>
    public const ulong MostCid = 0xFFFF_FFFE;
}
