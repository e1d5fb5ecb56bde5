using Bulkhead.Core.Tests;
using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Net.Switching;
using Xunit;

namespace Bulkhead.Devices.Tests.Net.Switching;

public sealed class SwitchTests
{
    private static readonly SwitchRule[] s_everything = [SwitchRig.Rule(null, null)];

    private static Packet Tcp(int from, int to, int source, int destination, byte flags = 0x10) => new()
    {
        From = from,
        To = to,
        Kind = PacketKind.Tcp,
        SourcePort = (ushort)source,
        DestinationPort = (ushort)destination,
        TcpFlags = flags,
    };

    [Fact]
    public void Network_WithoutRules_CarriesNothing()
    {
        var rig = new SwitchRig(3, []);
        foreach (PacketKind kind in Enum.GetValues<PacketKind>())
        {
            foreach (bool ip6 in (bool[])[false, true])
            {
                Assert.Empty(rig.Send(new Packet { From = 0, To = 1, Kind = kind, Ip6 = ip6 }));
                Assert.Empty(rig.Send(new Packet { From = 0, To = Packet.All, Kind = kind, Ip6 = ip6 }));
            }
        }

        Assert.Equal(rig.Network.Ports[0].Counters.Sent, rig.Network.Ports[0].Counters.Denied);
    }

    [Fact]
    public void Member_WithAnothersAddress_SendsNothing()
    {
        var rig = new SwitchRig(3, s_everything);
        Assert.Empty(rig.Send(new Packet { From = 0, To = 1, Kind = PacketKind.Udp, Spoofed = 2 }));
        Assert.Empty(rig.Send(new Packet { From = 0, To = 1, Kind = PacketKind.Neighbor, Claimed = 2 }));
        Assert.Empty(rig.Send(new Packet { From = 0, To = Packet.All, Kind = PacketKind.Neighbor, Claimed = 2 }));
        Assert.Empty(rig.Send(new Packet { From = 0, To = 1, Kind = PacketKind.Neighbor, Claimed = 2, Ip6 = true }));

        Assert.Equal(4, rig.Network.Ports[0].Counters.Spoofed);
        Assert.Equal([1], rig.Send(new Packet { From = 0, To = 1, Kind = PacketKind.Neighbor, Ip6 = true }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Member_WithDeclaredAddresses_SendsWithNoOther(bool ip6)
    {
        var rig = new SwitchRig(3, s_everything, addresses: true);
        foreach (PacketKind kind in (PacketKind[])[PacketKind.Udp, PacketKind.Neighbor, PacketKind.Tcp, PacketKind.Echo])
        {
            Assert.Equal([1], rig.Send(new Packet { From = 0, To = 1, Kind = kind, Ip6 = ip6 }));
            Assert.Empty(rig.Send(new Packet { From = 0, To = 1, Kind = kind, Ip6 = ip6, SpoofedAddress = 2 }));
        }

        Assert.Equal(4, rig.Network.Ports[0].Counters.Spoofed);
    }

    [Fact]
    public void Frames_BehindTagsOrSnap_AreHeldToAddressesAndRules()
    {
        var rig = new SwitchRig(3, [SwitchRig.Rule(0, 1, FrameKind.Tcp, 22, 22, denies: true), SwitchRig.Rule(0, 1)], addresses: true);
        foreach (IReadOnlyList<byte[]> wraps in Wrap.All)
        {
            var udp = new Packet { From = 0, To = 1, Kind = PacketKind.Udp, Wraps = wraps };
            Assert.Equal([1], rig.Send(udp));
            Assert.Empty(rig.Send(udp with { SpoofedAddress = 2 }));
            Assert.Equal([1], rig.Send(udp with { Kind = PacketKind.Neighbor }));
            Assert.Empty(rig.Send(udp with { Kind = PacketKind.Neighbor, SpoofedAddress = 2 }));
            Assert.Empty(rig.Send(udp with { Kind = PacketKind.Neighbor, Claimed = 2, Ip6 = true }));
            Assert.Equal([1], rig.Send(Tcp(0, 1, 5000, 23) with { Wraps = wraps }));
            Assert.Empty(rig.Send(Tcp(0, 1, 5000, 22) with { Wraps = wraps }));
        }

        Assert.Equal(3 * Wrap.All.Count, rig.Network.Ports[0].Counters.Spoofed);
        Assert.Equal(Wrap.All.Count, rig.Network.Ports[0].Counters.Denied);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Rule_ThatNamesPorts_DeniesFragmentsOfItsProtocol_AndLetsNonePass(bool ip6, bool later)
    {
        var denied = new SwitchRig(2, [SwitchRig.Rule(0, 1, FrameKind.Tcp, 22, 22, denies: true), SwitchRig.Rule(0, 1)]);
        var allowed = new SwitchRig(2, [SwitchRig.Rule(0, 1, FrameKind.Tcp, 22, 22)]);
        Packet part = Tcp(0, 1, 5000, 22, flags: 2) with { Ip6 = ip6, Fragment = true, LaterFragment = later };

        Assert.Empty(denied.Send(part));
        Assert.Empty(denied.Send(part with { DestinationPort = 80 }));
        Assert.Equal([1], denied.Send(part with { Kind = PacketKind.Udp }));
        Assert.Equal([1], denied.Send(part with { Kind = PacketKind.Echo }));
        Assert.Equal([1], denied.Send(Tcp(0, 1, 5000, 80) with { Ip6 = ip6 }));
        Assert.Equal(2, denied.Network.RuleCounters()[0].Dropped);
        Assert.Empty(allowed.Send(part));
    }

    [Fact]
    public void Rule_ThatDenies_SpeaksOfFragmentsThatHideWhatTheyArePartOf()
    {
        foreach (SwitchRule rule in (SwitchRule[])[SwitchRig.Rule(0, 1, FrameKind.Tcp, denies: true), SwitchRig.Rule(0, 1, FrameKind.Udp, 53, 53, denies: true)])
        {
            var rig = new SwitchRig(2, [rule, SwitchRig.Rule(0, 1)]);
            Packet part = new() { From = 0, To = 1, Kind = PacketKind.OtherIp, Ip6 = true, Fragment = true, LaterFragment = true };

            Assert.Equal([1], rig.Send(part));
            Assert.Empty(rig.Send(part with { Options = 1 }));
        }
    }

    [Fact]
    public void Answers_PassUntilTheConversationIsOver()
    {
        const long second = 1_000_000_000;
        var rig = new SwitchRig(2, [SwitchRig.Rule(0, 1, FrameKind.Tcp, 80, 80)]);

        Assert.Empty(rig.Send(Tcp(1, 0, 80, 5000)));
        Assert.Equal([1], rig.Send(Tcp(0, 1, 5000, 80, flags: 2)));
        Assert.Equal([0], rig.Send(Tcp(1, 0, 80, 5000, flags: 0x12)));
        Assert.Empty(rig.Send(Tcp(1, 0, 80, 5000, flags: 2))); // a conversation of its own
        Assert.Empty(rig.Send(Tcp(1, 0, 80, 5001)));
        Assert.Empty(rig.Send(Tcp(1, 0, 81, 5000)));

        rig.NowNs += 7000 * second;
        Assert.Equal([0], rig.Send(Tcp(1, 0, 80, 5000)));
        Assert.Equal([1], rig.Send(Tcp(0, 1, 5000, 80, flags: 0x11)));
        Assert.Equal([0], rig.Send(Tcp(1, 0, 80, 5000, flags: 0x11)));
        rig.NowNs += 121 * second;
        Assert.Empty(rig.Send(Tcp(1, 0, 80, 5000)));
    }

    [Fact]
    public void Conversations_MoreThanThereIsRoomFor_ForgetTheirOwnOnly()
    {
        var rig = new SwitchRig(3, [SwitchRig.Rule(0, 2, FrameKind.Udp), SwitchRig.Rule(1, 2, FrameKind.Udp)]);
        Assert.Equal([2], rig.Send(new Packet { From = 1, To = 2, Kind = PacketKind.Udp, SourcePort = 1, DestinationPort = 2 }));
        for (int port = 0; port < 20 * FlowTable.Capacity; port++)
        {
            Assert.Equal([2], rig.Send(new Packet { From = 0, To = 2, Kind = PacketKind.Udp, SourcePort = (ushort)port, DestinationPort = 2 }));
        }

        Assert.Equal([1], rig.Send(new Packet { From = 2, To = 1, Kind = PacketKind.Udp, SourcePort = 2, DestinationPort = 1 }));
        int kept = Enumerable.Range(0, 20 * FlowTable.Capacity).Count(port => rig.Send(new Packet { From = 2, To = 0, Kind = PacketKind.Udp, SourcePort = 2, DestinationPort = (ushort)port }).Count == 1);
        Assert.InRange(kept, FlowTable.Capacity / 2, FlowTable.Capacity);
    }

    [Fact]
    public void Limit_OfEachSender_DropsWhatIsMore()
    {
        var rig = new SwitchRig(3, [SwitchRig.Rule(null, 2, FrameKind.Udp, limit: new RateLimit(100, 0))]);
        int Passed(int from, int frames) => Enumerable.Range(0, frames).Count(_ => rig.Send(new Packet { From = from, To = 2, Kind = PacketKind.Udp }).Count == 1);

        Assert.Equal(11, Passed(0, 100)); // a tenth of a second's worth, and one
        Assert.Equal(11, Passed(1, 100));
        rig.NowNs += 50_000_000;
        Assert.Equal(5, Passed(0, 100));
        Assert.Equal(27, rig.Network.RuleCounters()[0].Frames);
        Assert.Equal(273, rig.Network.RuleCounters()[0].Dropped);
    }

    [Fact]
    public void Limit_OfWhoBegan_IsOfWhoAnswersAsWell_EachByItself()
    {
        var rig = new SwitchRig(2, [SwitchRig.Rule(0, 1, FrameKind.Udp, limit: new RateLimit(100, 0))]);
        int Passed(int from, int to) => Enumerable.Range(0, 100)
            .Count(_ => rig.Send(new Packet { From = from, To = to, Kind = PacketKind.Udp, SourcePort = (ushort)(from + 1), DestinationPort = (ushort)(to + 1) }).Count == 1);

        Assert.Equal(11, Passed(0, 1));
        Assert.Equal(11, Passed(1, 0));
        RuleCounters counters = rig.Network.RuleCounters()[0];
        Assert.Equal((11, 11, 178), (counters.Frames, counters.Replies, counters.Dropped));
    }

    [Fact]
    public void Receiver_ThatTakesNothing_LosesWhatIsMoreThanItsQueue_AndTheSenderGoesOn()
    {
        var rig = new SwitchRig(3, s_everything);
        byte[] frame = new Packet { From = 0, To = 1, Kind = PacketKind.Tcp, DataBytes = 1400 }.Build();
        for (int i = 0; i < 5000; i++)
        {
            rig.Send(0, frame);
        }

        PortCounters slow = rig.Network.Ports[1].Counters;
        int took = 0;
        while (rig.Take(1, out _) is not null)
        {
            took++;
        }

        Assert.InRange(took, 1000, 4000);
        Assert.Equal(5000, took + slow.Overrun);
        Assert.Equal([2], rig.Send(new Packet { From = 0, To = 2, Kind = PacketKind.Udp }));
    }

    [Fact]
    public void Member_ThatIsOff_GetsNothing_NorWhatWasSentMeanwhile()
    {
        var rig = new SwitchRig(2, s_everything);
        rig.Send(0, new Packet { From = 0, To = 1, Kind = PacketKind.Udp }.Build());
        rig.Network.Ports[1].Close();
        rig.Send(0, new Packet { From = 0, To = 1, Kind = PacketKind.Udp }.Build());
        rig.Network.Ports[1].Open(SwitchRig.Everything);

        Assert.Null(rig.Take(1, out _));
        Assert.Equal(1, rig.Network.Ports[0].Counters.Unreachable);
        Assert.Equal([1], rig.Send(new Packet { From = 0, To = 1, Kind = PacketKind.Udp }));
    }

    [Theory]
    [InlineData(false, 5000, 1000)]
    [InlineData(true, 5000, 1000)]
    [InlineData(false, 3000, 1000)]
    [InlineData(true, 65_000, 1448)]
    [InlineData(false, 100, 1448)]
    public void Segments_ForADriverThatTakesNone_AreWholePacketsThatAddUp(bool ip6, int dataBytes, int segmentBytes)
    {
        var rig = new SwitchRig(2, s_everything);
        byte[] super = (Tcp(0, 1, 5, 6, flags: 0x19) with { Ip6 = ip6, DataBytes = dataBytes }).Build();
        int transport = ip6 ? 54 : 34;
        var header = new FrameHeader(NetHeader.NeedsChecksum, ip6 ? NetHeader.Tcp6 : NetHeader.Tcp4, 0, (ushort)segmentBytes, (ushort)transport, 16);

        rig.Send(0, super, header);
        Assert.Equal(super, rig.Take(1, out FrameHeader whole));
        Assert.Equal(header with { HeaderBytes = (ushort)(transport + 20) }, whole);

        rig.Network.Ports[1].Open(0);
        rig.Send(0, super, header);
        byte[] data = [];
        while (rig.Take(1, out FrameHeader left) is { } segment)
        {
            Assert.Equal(default, left);
            Assert.True(FrameFacts.TryRead(segment, out FrameFacts facts));
            Assert.Equal(segment.Length, facts.End);
            Assert.Equal(1u + (uint)data.Length, BinaryPrimitives.ReadUInt32BigEndian(segment.AsSpan(transport + 4)));
            data = [.. data, .. segment[(transport + 20)..]];
            Assert.Equal(data.Length == dataBytes ? 0x19 : 0x10, segment[transport + 13]); // FIN and PSH at the end
            Assert.True(segment.Length <= transport + 20 + segmentBytes);
            Assert.Equal(0xFFFF, ip6 ? 0xFFFF : InternetChecksum.Sum(segment.AsSpan(14, 20)));
            ReadOnlySpan<byte> addresses = ip6 ? segment.AsSpan(22, 32) : segment.AsSpan(26, 8);
            byte[] pseudo = [.. addresses, 0, 6, (byte)((segment.Length - transport) >> 8), (byte)(segment.Length - transport), .. segment[transport..]];
            Assert.Equal(0xFFFF, InternetChecksum.Sum(pseudo));
        }

        Assert.Equal(super[(transport + 20)..], data);
        Assert.Equal(2 * ((dataBytes + segmentBytes - 1) / segmentBytes), rig.Network.RuleCounters()[0].Frames);
    }

    [Fact]
    public void Forward_Warm_AllocatesNothing()
    {
        var rig = new SwitchRig(3, [SwitchRig.Rule(0, 1, FrameKind.Tcp, 80, 80, limit: new RateLimit(1_000_000, 0)), SwitchRig.Rule(1, 2)]);
        byte[] there = Tcp(0, 1, 5000, 80).Build();
        byte[] back = Tcp(1, 0, 80, 5000).Build();
        Assert.Equal(0, Allocations.LeastBytes(Rounds));
        Assert.Equal(rig.Network.Ports[1].Counters.Sent, rig.Network.Ports[0].Counters.Received);

        void Rounds()
        {
            for (int round = 0; round < 1000; round++)
            {
                rig.Send(0, there);
                rig.Send(1, back);
                for (int i = 0; i < 2; i++)
                {
                    _ = rig.Network.Ports[i].PeekFrame(out _);
                    rig.Network.Ports[i].DropFrame();
                    rig.Network.Ports[i].Await(true);
                }
            }
        }
    }
}
