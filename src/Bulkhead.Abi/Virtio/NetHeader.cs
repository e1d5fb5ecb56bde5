namespace Bulkhead.Abi.Virtio;

/// <summary>What stands before each frame.</summary>
/// <remarks>
/// <code>
/// flags u8, segmentation u8, header length u16, segment size u16, checksum start u16, checksum offset u16, buffers u16
/// </code>
/// <i>Source</i>: VIRTIO 1.2, 5.1.6 Device Operation.
/// </remarks>
public static class NetHeader
{
    /// <summary>All of it.</summary>
    public const int Bytes = 12;

    /// <summary>Flags: the checksum is to be completed.</summary>
    public const byte NeedsChecksum = 1;

    /// <summary>Flags: the checksum is right.</summary>
    public const byte DataValid = 2;

    /// <summary>What the frame is to be cut into.</summary>
    public const int Segmentation = 1;

    /// <summary>Segmentation: none.</summary>
    public const byte Whole = 0;

    /// <summary>Segmentation: TCP over IPv4.</summary>
    public const byte Tcp4 = 1;

    /// <summary>Segmentation: TCP over IPv6.</summary>
    public const byte Tcp6 = 4;

    /// <summary>How long the headers are that each segment repeats.</summary>
    public const int HeaderLength = 2;

    /// <summary>How much of what follows them goes into each segment.</summary>
    public const int SegmentSize = 4;

    /// <summary>Where the bytes to sum begin.</summary>
    public const int ChecksumStart = 6;

    /// <summary>Where their sum goes, from there.</summary>
    public const int ChecksumOffset = 8;

    /// <summary>How many buffers a frame takes.</summary>
    public const int Buffers = 10;
}
