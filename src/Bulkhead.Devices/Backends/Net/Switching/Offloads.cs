using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;

namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>What is left to do with a frame, checked before it goes to another, and done where the other does not.</summary>
/// <remarks><i>Threading</i>: any. <i>Source</i>: VIRTIO 1.2, 5.1.6.2 Packet Transmission; RFC 9293, 3.1 Header Format.</remarks>
internal static class Offloads
{
    private const int LeastSegment = 48;
    private const byte TcpNumber = 6;

    /// <summary>Leaves of a header what agrees with the frame, and does what the receiver's driver could not check; says what the frame is
    /// then. False: it is wrong.</summary>
    /// <remarks>What is left writes nothing but the checksum of the frame's own TCP or UDP. One of what a tunnel carries is completed here.</remarks>
    internal static bool TryCheck(ref FrameHeader header, Span<byte> frame, out FrameFacts facts)
    {
        if (!FrameFacts.TryRead(frame, out facts))
        {
            return false;
        }

        bool plain = header.NeedsChecksum && facts.HasPorts && header.ChecksumStart == facts.TransportStart
            && header.ChecksumOffset == (facts.Kind == FrameKind.Tcp ? FrameFacts.TcpChecksum : InternetChecksum.UdpOffset);
        if (header.IsSegmented)
        {
            bool right = plain && facts.Kind == FrameKind.Tcp && header.Segmentation == (facts.IsIp6 ? NetHeader.Tcp6 : NetHeader.Tcp4)
                && header.SegmentBytes >= LeastSegment && facts.End == frame.Length && facts.DataStart < facts.End
                && (facts.TcpFlags & (FrameFacts.Synchronize | FrameFacts.Reset)) == 0;
            header = header with { Flags = NetHeader.NeedsChecksum, HeaderBytes = (ushort)facts.DataStart };
            return right;
        }

        (FrameHeader asked, header) = (header, plain ? header with { Flags = NetHeader.NeedsChecksum, HeaderBytes = 0, SegmentBytes = 0 } : default);
        return plain || !asked.NeedsChecksum
            || (InternetChecksum.TryComplete(frame, asked.ChecksumStart, asked.ChecksumOffset) && FrameFacts.TryRead(frame, out facts));
    }

    /// <summary>Into how many segments a frame is to be cut; 1 where it is not.</summary>
    internal static int Segments(in FrameHeader header, int length) =>
        header.IsSegmented ? (length - header.HeaderBytes + header.SegmentBytes - 1) / header.SegmentBytes : 1;

    /// <summary>How long a segment is.</summary>
    internal static int SegmentLength(in FrameHeader header, int length, int segment) =>
        header.HeaderBytes + Math.Min(header.SegmentBytes, length - header.HeaderBytes - (segment * header.SegmentBytes));

    /// <summary>Writes a segment, complete with its checksums.</summary>
    internal static void WriteSegment(ReadOnlySpan<byte> frame, in FrameHeader header, in FrameFacts facts, int segment, Span<byte> to)
    {
        int from = segment * header.SegmentBytes;
        bool last = header.HeaderBytes + from + header.SegmentBytes >= frame.Length;
        frame[..header.HeaderBytes].CopyTo(to);
        frame.Slice(header.HeaderBytes + from, to.Length - header.HeaderBytes).CopyTo(to[header.HeaderBytes..]);
        Span<byte> ip = to[facts.IpStart..];
        Span<byte> tcp = to[facts.TransportStart..];
        ReadOnlySpan<byte> addresses;
        if (facts.IsIp6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(ip.Length - 40));
            addresses = ip[8..40];
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(BinaryPrimitives.ReadUInt16BigEndian(ip[4..]) + segment));
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], (ushort)~InternetChecksum.Sum(ip[..(facts.TransportStart - facts.IpStart)]));
            addresses = ip[12..20];
        }

        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]) + (uint)from);
        const byte push = 8;
        const byte reduced = 0x80;
        tcp[13] = (byte)(tcp[13] & ~(last ? 0 : FrameFacts.Finish | push) & ~(segment == 0 ? 0 : reduced));
        uint sum = (uint)InternetChecksum.Sum(addresses) + TcpNumber + (uint)tcp.Length;
        sum = (sum & 0xFFFF) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[FrameFacts.TcpChecksum..], (ushort)((sum & 0xFFFF) + (sum >> 16)));
        _ = InternetChecksum.TryComplete(to, facts.TransportStart, FrameFacts.TcpChecksum);
    }
}
