using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Net.Switching;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Net.Switching;

/// <summary>Whatever is declared and whatever is sent.</summary>
public sealed class SwitchPropertyTests
{
    private const int Members = 4;

    private static readonly FrameKind?[] s_kinds = [null, null, FrameKind.Tcp, FrameKind.Udp, FrameKind.Icmp];

    private static readonly Gen<SwitchRule> s_rule = Gen.Select(
        Gen.Int[-1, Members - 1], Gen.Int[-1, Members - 1], Gen.Int[0, s_kinds.Length - 1], Gen.Int[1, 4], Gen.Int[0, 2], Gen.Int[0, 3],
        static (from, to, kind, first, more, way) => SwitchRig.Rule(
            from < 0 ? null : from,
            to < 0 ? null : to,
            s_kinds[kind],
            s_kinds[kind] is FrameKind.Tcp or FrameKind.Udp && way != 1 ? first : 0,
            s_kinds[kind] is FrameKind.Tcp or FrameKind.Udp && way != 1 ? first + more : 65_535,
            denies: way == 0));

    private static readonly Gen<Packet> s_unwrapped = Gen.Select(
        Gen.Int[0, Members - 1], Gen.Int[-2, Members - 1], Gen.Enum<PacketKind>(), Gen.Bool, Gen.Int[1, 3], Gen.Int[1, 3], Gen.Int[0, 63], Gen.Int[0, 19],
        static (from, to, kind, ip6, source, destination, flags, odd) => new Packet
        {
            From = from,
            To = to,
            Kind = kind,
            Ip6 = ip6,
            SourcePort = (ushort)source,
            DestinationPort = (ushort)destination,
            TcpFlags = (byte)flags,
            Fragment = odd is 0 or 1 && kind is not (PacketKind.Neighbor or PacketKind.Other),
            LaterFragment = odd == 1 && kind is not (PacketKind.Neighbor or PacketKind.Other),
            Spoofed = odd == 2 ? (from + 1) % Members : null,
            Claimed = odd is 3 or 4 ? (from + 1) % Members : null,
        });

    private static readonly Gen<Packet> s_packet = Gen.Select(s_unwrapped, Gen.Int[0, 23], Gen.Int[0, 11], static (packet, wraps, options) => packet with
    {
        Wraps = wraps < Wrap.All.Count ? Wrap.All[wraps] : wraps == 11 ? Wrap.TooMany : [],
        Options = options < 3 ? options : options == 11 ? 9 : 0,
    });

    [Fact]
    public void Deliveries_OfAnyRulesAndPackets_AreThoseOfAPlainModel()
    {
        int delivered = 0;
        int answered = 0;
        Gen.Select(s_rule.Array[0, 6], s_packet.Array[1, 60], Gen.Int[0, 2].Array[60]).Sample(
            (rules, packets, kinds) =>
            {
                for (int i = 1; i < packets.Length; i++)
                {
                    packets[i] = kinds[i] == 0 && packets[i - 1].To >= 0 ? AnswerTo(packets[i - 1]) : packets[i];
                }

                var rig = new SwitchRig(Members, rules);
                var model = new PlainNetwork(Members, rules);
                foreach (Packet packet in packets)
                {
                    IReadOnlyList<int> expected = model.Send(packet);
                    Assert.Equal(expected, rig.Send(packet));
                    delivered += expected.Count;
                }

                answered += (int)rig.Network.RuleCounters().Sum(static r => r.Replies);
                long[] sent = [.. rig.Network.Ports.Select(static p => p.Counters.Sent)];
                Assert.Equal(packets.Length, sent.Sum());
            },
            iter: 5000,
            threads: 1);
        Assert.True(delivered > 1000, $"only {delivered} packets passed: nothing was tested");
        Assert.True(answered > 200, $"only {answered} answers passed");
    }

    private static Packet AnswerTo(Packet p) => p with
    {
        From = p.To,
        To = p.From,
        SourcePort = p.DestinationPort,
        DestinationPort = p.SourcePort,
        Kind = p.Kind == PacketKind.Echo ? PacketKind.EchoReply : p.Kind,
    };

    /// <summary>Frames with any byte changed, cut anywhere, with any header: nothing throws, nothing hangs, and who is not allowed gets nothing.</summary>
    [Fact]
    public void Frames_Malformed_HarmNobody()
    {
        SwitchRule[] rules = [SwitchRig.Rule(0, 1, FrameKind.Tcp, 80, 80), SwitchRig.Rule(0, 1, FrameKind.Icmp)];
        Gen<FrameHeader> header = Gen.Select(Gen.Byte, Gen.Byte, Gen.UShort, Gen.UShort, Gen.Int[0, 200], Gen.Int[0, 40]).Select(static h =>
            new FrameHeader((byte)(h.Item1 & 3), (byte)(h.Item2 & 5), h.Item3, h.Item4, (ushort)h.Item5, (ushort)h.Item6));
        var rig = new SwitchRig(3, rules);
        rig.Network.Ports[1].Open(0); // takes nothing that is left to do
        Gen.Select(s_packet, Gen.Select(Gen.Int[0, 80], Gen.Byte).Array[0, 4], Gen.Int[0, 100], header).Sample(
            (packet, changes, cut, h) =>
            {
                byte[] frame = (packet with { From = 0, DataBytes = 40 }).Build();
                foreach ((int at, byte value) in changes)
                {
                    frame[at % frame.Length] = value;
                }

                rig.Send(0, frame.AsSpan(0, cut > 60 ? frame.Length : Math.Min(cut + 14, frame.Length)), h);
                Assert.Null(rig.Take(2, out _));
                while (rig.Take(1, out FrameHeader left) is { } got)
                {
                    Assert.False(left.NeedsChecksum || left.IsSegmented);
                    Assert.True(FrameFacts.TryRead(got, out FrameFacts facts));
                    Assert.True(facts.Kind is FrameKind.Icmp or FrameKind.Neighbor || (facts.Kind == FrameKind.Tcp && facts.DestinationPort == 80));
                }
            },
            iter: 100_000,
            threads: 1);
        Assert.True(rig.Network.Ports[0].Counters.Malformed > 1000);
        Assert.True(rig.Network.Ports[1].Counters.Received > 10);
    }
}
