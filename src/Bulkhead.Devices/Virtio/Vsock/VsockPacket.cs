using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;

namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>A packet's header.</summary>
internal readonly record struct VsockPacket(
    ulong SourceCid, ulong DestinationCid, uint SourcePort, uint DestinationPort, VsockOperation Operation)
{
    internal uint Length { get; init; }

    internal ushort Type { get; init; } = VsockHeader.Stream;

    internal uint Flags { get; init; }

    internal uint BufferBytes { get; init; }

    internal uint ForwardedBytes { get; init; }

    /// <summary>Reads one of <see cref="VsockHeader.Bytes"/> bytes.</summary>
    internal static VsockPacket Read(ReadOnlySpan<byte> header) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(header),
        BinaryPrimitives.ReadUInt64LittleEndian(header[VsockHeader.DestinationCid..]),
        BinaryPrimitives.ReadUInt32LittleEndian(header[VsockHeader.SourcePort..]),
        BinaryPrimitives.ReadUInt32LittleEndian(header[VsockHeader.DestinationPort..]),
        (VsockOperation)BinaryPrimitives.ReadUInt16LittleEndian(header[VsockHeader.Operation..]))
    {
        Length = BinaryPrimitives.ReadUInt32LittleEndian(header[VsockHeader.Length..]),
        Type = BinaryPrimitives.ReadUInt16LittleEndian(header[VsockHeader.Type..]),
        Flags = BinaryPrimitives.ReadUInt32LittleEndian(header[VsockHeader.Flags..]),
        BufferBytes = BinaryPrimitives.ReadUInt32LittleEndian(header[VsockHeader.BufferBytes..]),
        ForwardedBytes = BinaryPrimitives.ReadUInt32LittleEndian(header[VsockHeader.ForwardedBytes..]),
    };

    /// <summary>Writes it.</summary>
    internal void Write(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(header, SourceCid);
        BinaryPrimitives.WriteUInt64LittleEndian(header[VsockHeader.DestinationCid..], DestinationCid);
        BinaryPrimitives.WriteUInt32LittleEndian(header[VsockHeader.SourcePort..], SourcePort);
        BinaryPrimitives.WriteUInt32LittleEndian(header[VsockHeader.DestinationPort..], DestinationPort);
        BinaryPrimitives.WriteUInt32LittleEndian(header[VsockHeader.Length..], Length);
        BinaryPrimitives.WriteUInt16LittleEndian(header[VsockHeader.Type..], Type);
        BinaryPrimitives.WriteUInt16LittleEndian(header[VsockHeader.Operation..], (ushort)Operation);
        BinaryPrimitives.WriteUInt32LittleEndian(header[VsockHeader.Flags..], Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(header[VsockHeader.BufferBytes..], BufferBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header[VsockHeader.ForwardedBytes..], ForwardedBytes);
    }
}
