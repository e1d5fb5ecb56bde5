using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>What a frame says of itself, as far as rules ask.</summary>
/// <remarks>
/// <para>It speaks of what a receiver finds in the frame without being set up for it: behind tags of VLANs, and behind LLC and SNAP.</para>
/// <para><i>Errors</i>: a frame whose parts do not lie in it, contradict each other, or are more than it looks behind, has no facts.</para>
/// <para><i>Source</i>: RFC 826 (ARP), 791 (IP), 8200 (IPv6), 9293 (TCP), 768 (UDP), 792 (ICMP), 4443 (ICMPv6), 4861 (neighbors), 6980
/// (neighbors in fragments), 1042 (SNAP); IEEE 802.1Q, 9.6 VLAN Tag Control Information.</para>
/// </remarks>
internal struct FrameFacts
{
    internal const int TcpChecksum = 16;
    internal const byte Finish = 1;
    internal const byte Synchronize = 2;
    internal const byte Reset = 4;
    internal const byte Acknowledge = 0x10;

    private const int EthernetBytes = 14;
    private const int AddressBytes = 6;
    private const ushort Ip4 = 0x0800;
    private const ushort Ip6 = 0x86DD;
    private const ushort Arp = 0x0806;
    private const ushort CustomerTag = 0x8100;
    private const ushort ServiceTag = 0x88A8;
    private const ushort OlderServiceTag = 0x9100;
    private const ushort LeastType = 0x0600; // what is less is a length, and LLC follows
    private const int TagBytes = 4;
    private const int SnapBytes = 8;
    private const int MostWraps = 4;
    private const int Ip6Bytes = 40;
    private const int MostExtensions = 8;
    private const byte HopByHop = 0;
    private const byte Icmp4 = 1;
    private const byte TcpNumber = 6;
    private const byte UdpNumber = 17;
    private const byte Routing = 43;
    private const byte Fragment = 44;
    private const byte Authentication = 51;
    private const byte Icmp6 = 58;
    private const byte DestinationOptions = 60;
    private const byte FirstNeighborType = 133;
    private const byte LastNeighborType = 137;

    /// <summary>The Ethernet addresses; the last byte is the lowest.</summary>
    internal ulong Destination;
    internal ulong Source;

    /// <summary>What it is.</summary>
    internal FrameKind Kind;

    /// <summary>Whether it is IPv6.</summary>
    internal bool IsIp6;

    /// <summary>Its IP addresses; those of IPv4 are the low 32 bits. Of ARP the sender's.</summary>
    internal UInt128 SourceAddress;
    internal UInt128 DestinationAddress;

    /// <summary>Whether it has such addresses, and which one it says is the sender's: that of a neighbor's advertisement is inside.</summary>
    internal bool HasAddress;
    internal UInt128 SaidAddress;

    /// <summary>The Ethernet address that ARP or a neighbor's option claims; 0 where there is none.</summary>
    internal ulong Claimed;

    /// <summary>Whether ports can be known: TCP or UDP, and no fragment.</summary>
    internal bool HasPorts;
    internal ushort SourcePort;
    internal ushort DestinationPort;
    internal byte TcpFlags;

    /// <summary>Whether it is a part of a packet.</summary>
    internal bool IsFragment;

    /// <summary>Whether it asks for an echo, or answers.</summary>
    internal bool IsEcho;
    internal bool IsEchoReply;

    /// <summary>Whether it is a fragment that does not say what it is part of: the first one says so.</summary>
    internal bool HidesKind;

    /// <summary>Where IP begins, or whatever else the frame carries.</summary>
    internal int IpStart;

    /// <summary>Where TCP or UDP begins, and its data; of frames with ports.</summary>
    internal int TransportStart;
    internal int DataStart;

    /// <summary>Where an IP packet ends; what follows is padding.</summary>
    internal int End;

    /// <summary>Whether it is for more than one.</summary>
    internal readonly bool IsGroup => (Destination >> 40 & 1) != 0;

    /// <summary>Reads a frame; false where it is malformed.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> frame, out FrameFacts facts)
    {
        facts = default;
        if (frame.Length < EthernetBytes)
        {
            return false;
        }

        facts.Destination = Address(frame);
        facts.Source = Address(frame[AddressBytes..]);
        int type = 2 * AddressBytes;
        for (int wraps = 0; WrapBytes(frame[type..]) is > 0 and int bytes; wraps++)
        {
            type += bytes;
            if (wraps == MostWraps || frame.Length - type < sizeof(ushort))
            {
                return false;
            }
        }

        facts.IpStart = type + sizeof(ushort);
        ReadOnlySpan<byte> rest = frame[facts.IpStart..];
        return BinaryPrimitives.ReadUInt16BigEndian(frame[type..]) switch
        {
            Arp => facts.ReadArp(rest),
            Ip4 => facts.ReadIp4(rest),
            Ip6 => facts.ReadIp6(rest),
            _ => true,
        };
    }

    /// <summary>Six bytes as a number.</summary>
    internal static ulong Address(ReadOnlySpan<byte> bytes) =>
        ((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);

    /// <summary>How far it is from a type to that of what is inside; 0 where the type is that of the frame.</summary>
    private static int WrapBytes(ReadOnlySpan<byte> type) => BinaryPrimitives.ReadUInt16BigEndian(type) switch
    {
        CustomerTag or ServiceTag or OlderServiceTag => TagBytes,
        < LeastType when IsSnap(type[sizeof(ushort)..]) => SnapBytes,
        _ => 0,
    };

    // Both SAPs 0xAA, unnumbered information, and an organization that numbers types as Ethernet does: RFC 1042's or 802.1H's.
    private static bool IsSnap(ReadOnlySpan<byte> llc) =>
        llc.Length >= 6 && (llc[0] & 0xFE) == 0xAA && (llc[1] & 0xFE) == 0xAA && (llc[2] & 0xEF) == 3 && llc[3..6] is [0, 0, 0 or 0xF8];

    private bool ReadArp(ReadOnlySpan<byte> arp)
    {
        // Ethernet and IPv4: hardware 1, protocol 0x0800, lengths 6 and 4.
        if (arp.Length < 28 || BinaryPrimitives.ReadUInt64BigEndian(arp) >> 16 != 0x0001_0800_0604)
        {
            return false;
        }

        Kind = FrameKind.Neighbor;
        Claimed = Address(arp[8..]);
        SaidAddress = SourceAddress = BinaryPrimitives.ReadUInt32BigEndian(arp[14..]);
        HasAddress = true;
        return true;
    }

    private bool ReadIp4(ReadOnlySpan<byte> ip)
    {
        if (ip.Length < 20 || ip[0] >> 4 != 4)
        {
            return false;
        }

        int header = (ip[0] & 15) * 4;
        int total = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]);
        if (header < 20 || total < header || total > ip.Length)
        {
            return false;
        }

        IsFragment = (BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) & 0x3FFF) != 0; // more fragments, or an offset
        SaidAddress = SourceAddress = BinaryPrimitives.ReadUInt32BigEndian(ip[12..]);
        DestinationAddress = BinaryPrimitives.ReadUInt32BigEndian(ip[16..]);
        (HasAddress, End) = (true, IpStart + total);
        return ReadTransport(ip[9], ip[header..total], IpStart + header, Icmp4);
    }

    private bool ReadIp6(ReadOnlySpan<byte> ip)
    {
        if (ip.Length < Ip6Bytes || ip[0] >> 4 != 6)
        {
            return false;
        }

        int end = Ip6Bytes + BinaryPrimitives.ReadUInt16BigEndian(ip[4..]);
        if (end > ip.Length)
        {
            return false;
        }

        (IsIp6, HasAddress, End) = (true, true, IpStart + end);
        SaidAddress = SourceAddress = BinaryPrimitives.ReadUInt128BigEndian(ip[8..]);
        DestinationAddress = BinaryPrimitives.ReadUInt128BigEndian(ip[24..]);
        byte next = ip[6];
        int at = Ip6Bytes;
        for (int i = 0; IsExtension(next); i++)
        {
            if (i == MostExtensions || end - at < 8)
            {
                return false;
            }

            int length = next switch
            {
                Fragment => 8,
                Authentication => (ip[at + 1] + 2) * 4,
                _ => (ip[at + 1] + 1) * 8,
            };
            if (next == Fragment)
            {
                IsFragment |= (BinaryPrimitives.ReadUInt16BigEndian(ip[(at + 2)..]) & 0xFFF9) != 0;
                if (IsFragment && BinaryPrimitives.ReadUInt16BigEndian(ip[(at + 2)..]) >= 8)
                {
                    HidesKind = IsExtension(ip[at]);
                    return ReadTransport(ip[at], default, 0, Icmp6); // what follows is not a header
                }
            }

            if (length > end - at)
            {
                return false;
            }

            next = ip[at];
            at += length;
        }

        return ReadTransport(next, ip[at..end], IpStart + at, Icmp6) && (Kind != FrameKind.Neighbor || ip[7] == 255);
    }

    private static bool IsExtension(byte header) => header is HopByHop or Routing or Fragment or Authentication or DestinationOptions;

    private bool ReadTransport(byte protocol, ReadOnlySpan<byte> bytes, int start, byte icmp)
    {
        Kind = protocol == TcpNumber ? FrameKind.Tcp : protocol == UdpNumber ? FrameKind.Udp : protocol == icmp ? FrameKind.Icmp : FrameKind.Other;
        return Kind switch
        {
            _ when IsFragment => icmp == Icmp4 || Kind != FrameKind.Icmp || bytes.IsEmpty || bytes[0] is < FirstNeighborType or > LastNeighborType,
            FrameKind.Tcp => ReadTcp(bytes, start),
            FrameKind.Udp => ReadPorts(bytes, start, 8),
            FrameKind.Icmp => bytes.Length >= 4 && (icmp == Icmp4 ? ReadIcmp4(bytes) : ReadIcmp6(bytes)),
            _ => true,
        };
    }

    private bool ReadTcp(ReadOnlySpan<byte> tcp, int start)
    {
        int header = tcp.Length < 20 ? int.MaxValue : (tcp[12] >> 4) * 4;
        if (header < 20 || !ReadPorts(tcp, start, header))
        {
            return false;
        }

        TcpFlags = tcp[13];
        return true;
    }

    private bool ReadPorts(ReadOnlySpan<byte> bytes, int start, int header)
    {
        if (bytes.Length < header)
        {
            return false;
        }

        HasPorts = true;
        SourcePort = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        (TransportStart, DataStart) = (start, start + header);
        return true;
    }

    private bool ReadIcmp4(ReadOnlySpan<byte> icmp)
    {
        (IsEcho, IsEchoReply) = (icmp[0] == 8, icmp[0] == 0);
        return true;
    }

    private bool ReadIcmp6(ReadOnlySpan<byte> icmp)
    {
        (IsEcho, IsEchoReply) = (icmp[0] == 128, icmp[0] == 129);
        switch (icmp[0])
        {
            case 133 or 134 or 137: // routers and redirects
                Kind = FrameKind.Other;
                return true;
            case 135 or 136:
                Kind = FrameKind.Neighbor;
                if (icmp.Length < 24)
                {
                    return false;
                }

                SaidAddress = icmp[0] == 136 ? BinaryPrimitives.ReadUInt128BigEndian(icmp[8..]) : SaidAddress;
                return ReadOptions(icmp[24..]);
            default:
                return true;
        }
    }

    /// <summary>Of a neighbor: which Ethernet address it claims.</summary>
    private bool ReadOptions(ReadOnlySpan<byte> options)
    {
        while (options.Length > 0)
        {
            int length = options.Length < 8 ? 0 : options[1] * 8;
            if (length == 0 || length > options.Length)
            {
                return false;
            }

            if (options[0] is 1 or 2)
            {
                ulong address = Address(options[2..]);
                if (length != 8 || (Claimed != 0 && Claimed != address))
                {
                    return false;
                }

                Claimed = address;
            }

            options = options[length..];
        }

        return true;
    }
}
