using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Net;

namespace Bulkhead.Devices.Tests.Net.Switching;

/// <summary>A frame by what it means; <see cref="Build"/> writes its bytes.</summary>
internal sealed record Packet
{
    /// <summary>To everybody.</summary>
    public const int All = -1;

    /// <summary>To an address that nobody has.</summary>
    public const int Nobody = -2;

    public int From { get; init; }

    public int To { get; init; }

    public PacketKind Kind { get; init; }

    public bool Ip6 { get; init; }

    public ushort SourcePort { get; init; }

    public ushort DestinationPort { get; init; }

    public byte TcpFlags { get; init; } = 0x10;

    /// <summary>A part of a packet: the first, or a later one.</summary>
    public bool Fragment { get; init; }

    public bool LaterFragment { get; init; }

    /// <summary>Whose Ethernet address it says to be from, where that is another's.</summary>
    public int? Spoofed { get; init; }

    /// <summary>Whose it claims inside, of ARP and neighbors.</summary>
    public int? Claimed { get; init; }

    /// <summary>Whose IP address it says to be from.</summary>
    public int? SpoofedAddress { get; init; }

    public int DataBytes { get; init; } = 20;

    /// <summary>What stands before its type: tags of VLANs, SNAP.</summary>
    public IReadOnlyList<byte[]> Wraps { get; init; } = [];

    /// <summary>How many headers of options stand before what it is, of IPv6; behind that of a fragment.</summary>
    public int Options { get; init; }

    public static byte[] MacOf(int member) => member == All ? [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] : [0x52, 0x42, 0, 0, 0, (byte)(member & 0x7F)];

    public static byte[] AddressOf(int member, bool ip6)
    {
        byte last = member == All ? (byte)255 : (byte)((member & 0x7F) + 1);
        return ip6 ? [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last] : [10, 0, 0, last];
    }

    public byte[] Build()
    {
        byte[] macs = [.. MacOf(To), .. MacOf(Spoofed ?? From), .. Wraps.SelectMany(static w => w)];
        return Kind switch
        {
            PacketKind.Other => [.. macs, 0x88, 0xB5, .. new byte[46]],
            PacketKind.Neighbor when !Ip6 =>
                [.. macs, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, .. MacOf(Claimed ?? From), .. AddressOf(SpoofedAddress ?? From, false), .. new byte[6], .. AddressOf(To, false)],
            _ when Ip6 => [.. macs, 0x86, 0xDD, .. Inside6()],
            _ => [.. macs, 8, 0, .. Inside4()],
        };
    }

    private byte[] Inside4()
    {
        byte[] data = Transport();
        byte[] ip =
        [
            0x45, 0, 0, 0, 0, 1, (byte)(Fragment && !LaterFragment ? 0x20 : 0), (byte)(LaterFragment ? 10 : 0), 64, Number(), 0, 0,
            .. AddressOf(SpoofedAddress ?? From, false), .. AddressOf(To, false), .. data,
        ];
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(2), (ushort)ip.Length);
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(10), (ushort)~InternetChecksum.Sum(ip.AsSpan(0, 20)));
        return ip;
    }

    private byte[] Inside6()
    {
        byte[] data = Transport();
        byte first = Number();
        for (int i = 0; i < Options; i++)
        {
            data = [first, 0, 1, 4, 0, 0, 0, 0, .. data];
            first = 60;
        }

        if (Fragment)
        {
            data = [first, 0, 0, (byte)(LaterFragment ? 80 : 1), 0, 0, 0, 1, .. data];
            first = 44;
        }

        byte[] ip = [0x60, 0, 0, 0, 0, 0, first, 255, .. AddressOf(SpoofedAddress ?? From, true), .. AddressOf(To, true), .. data];
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(4), (ushort)data.Length);
        return ip;
    }

    private byte Number() => Kind switch
    {
        PacketKind.Tcp => 6,
        PacketKind.Udp => 17,
        PacketKind.OtherIp => 132,
        _ => (byte)(Ip6 ? 58 : 1),
    };

    private byte[] Transport()
    {
        byte[] data = new byte[DataBytes];
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = (byte)(i * 7);
        }

        byte[] bytes = Kind switch
        {
            PacketKind.Tcp => [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, TcpFlags, 1, 0, 0, 0, 0, 0, .. data],
            PacketKind.Udp => [0, 0, 0, 0, 0, (byte)(8 + data.Length), 0, 0, .. data],
            PacketKind.Neighbor => [136, 0, 0, 0, 0, 0, 0, 0, .. AddressOf(SpoofedAddress ?? From, true), 2, 1, .. MacOf(Claimed ?? From)],
            PacketKind.Echo => [(byte)(Ip6 ? 128 : 8), 0, 0, 0, 0, 1, 0, 1, .. data],
            PacketKind.EchoReply => [(byte)(Ip6 ? 129 : 0), 0, 0, 0, 0, 1, 0, 1, .. data],
            PacketKind.Unreachable => [(byte)(Ip6 ? 1 : 3), 0, 0, 0, 0, 0, 0, 0, .. data],
            _ => data,
        };
        if (Kind is PacketKind.Tcp or PacketKind.Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes, SourcePort);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), DestinationPort);
        }

        return bytes;
    }
}
