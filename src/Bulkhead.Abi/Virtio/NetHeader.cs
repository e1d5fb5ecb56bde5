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

    /// <summary>Where the bytes to sum begin.</summary>
    public const int ChecksumStart = 6;

    /// <summary>Where their sum goes, from there.</summary>
    public const int ChecksumOffset = 8;

    /// <summary>How many buffers a frame takes.</summary>
    public const int Buffers = 10;
}
