using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Net.Switching;
using Xunit;

namespace Bulkhead.Devices.Tests.Net.Switching;

/// <summary>What a driver left to be done with its frames.</summary>
public sealed class OffloadsTests
{
    private const int TypeStart = 12;
    private const int EthernetBytes = 14;
    private static readonly SwitchRule[] s_everything = [SwitchRig.Rule(null, null)];

    private static FrameHeader Needs(int start, int offset) => new() { Flags = NetHeader.NeedsChecksum, ChecksumStart = (ushort)start, ChecksumOffset = (ushort)offset };

    [Theory]
    [InlineData(PacketKind.Tcp, false, 0, false)]
    [InlineData(PacketKind.Udp, false, 0, false)]
    [InlineData(PacketKind.Tcp, true, 0, false)]
    [InlineData(PacketKind.Udp, true, 2, false)]
    [InlineData(PacketKind.Tcp, true, 8, true)]
    [InlineData(PacketKind.Udp, false, 0, true)]
    public void Checksum_OfTheFramesOwnTransport_IsLeftToTheReceiver(PacketKind kind, bool ip6, int options, bool tagged)
    {
        var rig = new SwitchRig(2, s_everything);
        byte[] frame = new Packet { From = 0, To = 1, Kind = kind, Ip6 = ip6, Options = options, Wraps = tagged ? [Wrap.Customer] : [] }.Build();
        int offset = kind == PacketKind.Tcp ? 16 : 6;
        FrameHeader header = Needs(frame.Length - 20 - (kind == PacketKind.Tcp ? 20 : 8), offset);

        rig.Send(0, frame, header);
        Assert.Equal(frame, rig.Take(1, out FrameHeader left));
        Assert.Equal(header, left);

        rig.Network.Ports[1].Open(0);
        rig.Send(0, frame, header);
        Assert.True(InternetChecksum.TryComplete(frame, header.ChecksumStart, offset));
        Assert.Equal(frame, rig.Take(1, out left));
        Assert.Equal(default, left);
    }

    /// <summary>UDP that carries a frame of its own, as Linux sends it: the outer checksum is there, the inner one is left.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Checksum_InsideATunnel_IsCompletedOnTheWay(bool ip6)
    {
        var rig = new SwitchRig(2, [SwitchRig.Rule(0, 1, FrameKind.Udp, 4789, 4789)], addresses: true);
        byte[] inner = new Packet { From = 7, To = 8, Kind = PacketKind.Tcp, Ip6 = ip6, DestinationPort = 22, DataBytes = 30 }.Build();
        byte[] frame = new Packet { From = 0, To = 1, Kind = PacketKind.Udp, DestinationPort = 4789, DataBytes = 8 + inner.Length }.Build();
        inner.CopyTo(frame, frame.Length - inner.Length);
        FrameHeader header = Needs(frame.Length - 50, 16);

        rig.Send(0, frame, header);

        Assert.True(InternetChecksum.TryComplete(frame, header.ChecksumStart, 16));
        Assert.Equal(frame, rig.Take(1, out FrameHeader left));
        Assert.Equal(default, left);
    }

    /// <summary>A sum that is to be written over what rules and addresses are judged by.</summary>
    [Theory]
    [InlineData(PacketKind.Udp, 36, 22)]          // the port it goes to
    [InlineData(PacketKind.Udp, 22, 0x4084)]      // the protocol
    [InlineData(PacketKind.Udp, 28, 0x0003)]      // the sender
    [InlineData(PacketKind.Udp, 20, 0x2000)]      // a first fragment
    [InlineData(PacketKind.Udp, TypeStart, 0x88B5)]
    [InlineData(PacketKind.Neighbor, 30, 0x0003)] // the sender, of ARP
    [InlineData(PacketKind.Neighbor, 26, 0x0002)] // its Ethernet address
    public void Checksum_OverWhatIsJudged_IsJudgedAsWritten(PacketKind kind, int at, ushort value)
    {
        var rig = new SwitchRig(3, [SwitchRig.Rule(0, 1, FrameKind.Udp, 53, 53)], addresses: true);
        byte[] frame = [.. new Packet { From = 0, To = 1, Kind = kind, DestinationPort = 53 }.Build(), .. new byte[18]];
        rig.Send(0, frame);
        Assert.NotNull(rig.Take(1, out _));

        // The last two bytes are padding: with them the sum becomes what it should.
        ushort others = InternetChecksum.Sum(frame.AsSpan(at));
        uint fill = (uint)(ushort)~value + (ushort)~others;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(frame.Length - 2), (ushort)((fill & 0xFFFF) + (fill >> 16)));
        byte[] written = [.. frame];
        Assert.True(InternetChecksum.TryComplete(written, at, 0));
        Assert.Equal(value, BinaryPrimitives.ReadUInt16BigEndian(written.AsSpan(at)));

        rig.Send(0, frame, Needs(at, 0));
        Assert.Null(rig.Take(1, out _));
        Assert.Equal(1, rig.Network.Ports[0].Counters.Denied + rig.Network.Ports[0].Counters.Spoofed);
    }

    [Fact]
    public void Checksum_OfAFragment_IsCompletedOnTheWay()
    {
        var rig = new SwitchRig(2, s_everything);
        byte[] frame = new Packet { From = 0, To = 1, Kind = PacketKind.Udp, Fragment = true }.Build();

        rig.Send(0, frame, Needs(34, 6));

        Assert.True(InternetChecksum.TryComplete(frame, 34, 6));
        Assert.Equal(frame, rig.Take(1, out FrameHeader left));
        Assert.Equal(default, left);
    }

    [Theory]
    [InlineData(34, 6)]  // not where TCP has it
    [InlineData(22, 16)] // not where TCP begins
    [InlineData(34, 0xFFFF)]
    public void Segmented_WithAnotherChecksum_IsMalformed(int start, int offset)
    {
        var rig = new SwitchRig(2, s_everything);
        byte[] frame = new Packet { From = 0, To = 1, Kind = PacketKind.Tcp, DataBytes = 3000 }.Build();

        rig.Send(0, frame, Needs(start, offset) with { Segmentation = NetHeader.Tcp4, SegmentBytes = 1000 });

        Assert.Null(rig.Take(1, out _));
        Assert.Equal(1, rig.Network.Ports[0].Counters.Malformed);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(true, 2)]
    public void Segmented_BehindTags_IsCutIntoWholePackets(bool ip6, int options)
    {
        var rig = new SwitchRig(2, [SwitchRig.Rule(0, 1, FrameKind.Tcp, 22, 22)]);
        rig.Network.Ports[1].Open(0);
        byte[] tags = [.. Wrap.Service, .. Wrap.Customer];
        byte[] super = new Packet { From = 0, To = 1, Kind = PacketKind.Tcp, Ip6 = ip6, Options = options, DestinationPort = 22, DataBytes = 2500, Wraps = [Wrap.Service, Wrap.Customer] }.Build();
        int headers = super.Length - 2500;

        rig.Send(0, super, Needs(headers - 20, 16) with { Segmentation = ip6 ? NetHeader.Tcp6 : NetHeader.Tcp4, SegmentBytes = 1000 });

        byte[] data = [];
        while (rig.Take(1, out FrameHeader left) is { } segment)
        {
            Assert.Equal(default, left);
            Assert.Equal(tags, segment[TypeStart..(TypeStart + tags.Length)]);
            Assert.True(FrameFacts.TryRead(segment, out FrameFacts facts));
            Assert.Equal((segment.Length, headers - 20), (facts.End, facts.TransportStart));
            byte[] addresses = segment.AsSpan(EthernetBytes + tags.Length + (ip6 ? 8 : 12), ip6 ? 32 : 8).ToArray();
            byte[] tcp = segment[(headers - 20)..];
            Assert.Equal(0xFFFF, InternetChecksum.Sum([.. addresses, 0, 6, (byte)(tcp.Length >> 8), (byte)tcp.Length, .. tcp]));
            data = [.. data, .. segment[headers..]];
        }

        Assert.Equal(super[headers..], data);
        Assert.Equal(3, rig.Network.RuleCounters()[0].Frames);
    }
}
