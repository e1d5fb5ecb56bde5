namespace Bulkhead.Abi.Virtio;

/// <summary>Feature bits of a network card.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.1.3 Feature bits.</remarks>
public static class NetFeatures
{
    /// <summary>The device completes checksums of what is sent.</summary>
    public const ulong Checksum = 1ul << 0;

    /// <summary>The driver takes frames whose checksum is not complete, or said to be right.</summary>
    public const ulong GuestChecksum = 1ul << 1;

    /// <summary>The largest payload is said.</summary>
    public const ulong Mtu = 1ul << 3;

    /// <summary>The address is said.</summary>
    public const ulong Mac = 1ul << 5;

    /// <summary>The driver takes TCP over IPv4 that is yet to be cut into segments.</summary>
    public const ulong GuestTcp4 = 1ul << 7;

    /// <summary>The driver takes TCP over IPv6 that is yet to be cut into segments.</summary>
    public const ulong GuestTcp6 = 1ul << 8;

    /// <summary>The device takes TCP over IPv4 that is yet to be cut into segments.</summary>
    public const ulong HostTcp4 = 1ul << 11;

    /// <summary>The device takes TCP over IPv6 that is yet to be cut into segments.</summary>
    public const ulong HostTcp6 = 1ul << 12;

    /// <summary>A frame may be received into several buffers.</summary>
    public const ulong MergeableBuffers = 1ul << 15;

    /// <summary>Whether there is a link is said.</summary>
    public const ulong Status = 1ul << 16;
}
