using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;

namespace Bulkhead.Devices.Backends.Net;

/// <summary>What is left to do with a frame: its checksum to complete, itself to cut into segments.</summary>
/// <param name="Flags">As <see cref="NetHeader"/> numbers them.</param>
/// <param name="Segmentation">What it is to be cut into.</param>
/// <param name="HeaderBytes">How long the headers are that each segment repeats.</param>
/// <param name="SegmentBytes">How much of what follows them goes into each segment.</param>
/// <param name="ChecksumStart">Where the bytes to sum begin.</param>
/// <param name="ChecksumOffset">Where their sum goes, from there.</param>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.1.6 Device Operation.</remarks>
public readonly record struct FrameHeader(byte Flags, byte Segmentation, ushort HeaderBytes, ushort SegmentBytes, ushort ChecksumStart, ushort ChecksumOffset)
{
    /// <summary>Whether the checksum's field holds the sum of the pseudo-header only.</summary>
    public bool NeedsChecksum => (Flags & NetHeader.NeedsChecksum) != 0;

    /// <summary>Whether it is to be cut.</summary>
    public bool IsSegmented => Segmentation != NetHeader.Whole;

    /// <summary>Takes it from its <see cref="NetHeader.Bytes"/> bytes.</summary>
    public static FrameHeader Read(ReadOnlySpan<byte> bytes) => new(
        bytes[0],
        bytes[NetHeader.Segmentation],
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[NetHeader.HeaderLength..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[NetHeader.SegmentSize..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[NetHeader.ChecksumStart..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[NetHeader.ChecksumOffset..]));

    /// <summary>Puts it into <see cref="NetHeader.Bytes"/> bytes.</summary>
    public void Write(Span<byte> bytes, ushort buffers)
    {
        bytes[0] = Flags;
        bytes[NetHeader.Segmentation] = Segmentation;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[NetHeader.HeaderLength..], HeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[NetHeader.SegmentSize..], SegmentBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[NetHeader.ChecksumStart..], ChecksumStart);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[NetHeader.ChecksumOffset..], ChecksumOffset);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[NetHeader.Buffers..], buffers);
    }
}
