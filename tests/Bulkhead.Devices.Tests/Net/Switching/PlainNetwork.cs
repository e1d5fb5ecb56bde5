using Bulkhead.Devices.Backends.Net.Switching;

namespace Bulkhead.Devices.Tests.Net.Switching;

/// <summary>What the rules of a network mean, written down as plainly as can be: who gets a packet.</summary>
internal sealed class PlainNetwork(int members, IReadOnlyList<SwitchRule> rules)
{
    private const int MostWraps = 4;
    private const int MostExtensions = 8;

    private readonly HashSet<string> _begun = [];

    public IReadOnlyList<int> Send(Packet p)
    {
        if (p.Spoofed is { } other && other != p.From)
        {
            return [];
        }

        if (p.Kind == PacketKind.Neighbor && p.Claimed is { } claimed && claimed != p.From)
        {
            return [];
        }

        if (p.Wraps.Count > MostWraps || ExtensionsOf(p) > MostExtensions)
        {
            return [];
        }

        return [.. Enumerable.Range(0, members).Where(to => to != p.From && (p.To == to || p.To == Packet.All)).Where(to => Passes(p, to))];
    }

    private static int ExtensionsOf(Packet p) => !p.Ip6 || p.LaterFragment || p.Kind == PacketKind.Other ? 0 : p.Options + (p.Fragment ? 1 : 0);

    private static bool HidesKind(Packet p) => p.Ip6 && p.LaterFragment && p.Options > 0;

    private static FrameKind KindOf(Packet p) => p.Kind switch
    {
        _ when HidesKind(p) => FrameKind.Other,
        PacketKind.Tcp => FrameKind.Tcp,
        PacketKind.Udp => FrameKind.Udp,
        PacketKind.Neighbor => FrameKind.Neighbor,
        PacketKind.Echo or PacketKind.EchoReply or PacketKind.Unreachable => FrameKind.Icmp,
        _ => FrameKind.Other,
    };

    private static bool Speaks(SwitchRule rule, int from, int to) => (rule.From is null || rule.From == from) && (rule.To is null || rule.To == to);

    private static string Conversation(Packet p, int near, int far, int nearPort, int farPort) => $"{KindOf(p)} {p.Ip6} {near}:{nearPort} {far}:{farPort}";

    private bool Passes(Packet p, int to)
    {
        if (p.Kind == PacketKind.Neighbor)
        {
            return rules.Any(r => !r.Denies && (Speaks(r, p.From, to) || Speaks(r, to, p.From)));
        }

        bool ports = p.Kind is PacketKind.Tcp or PacketKind.Udp && !p.Fragment;
        bool unicast = p.To != Packet.All;
        bool begins = p.Kind == PacketKind.Tcp && (p.TcpFlags & 0x12) == 2;
        bool icmpPart = KindOf(p) == FrameKind.Icmp && p.Fragment;
        bool answers = unicast && ((ports && !begins) || (p.Kind == PacketKind.EchoReply && !p.Fragment) || icmpPart);
        (int source, int destination) = ports ? (p.SourcePort, p.DestinationPort) : (0, 0);
        if (answers && _begun.Contains(Conversation(p, to, p.From, destination, source)))
        {
            return true;
        }

        SwitchRule? rule = rules.FirstOrDefault(r =>
            Speaks(r, p.From, to)
            && (r.Kind is null || r.Kind == KindOf(p) || (r.Denies && HidesKind(p)))
            && ((r.FirstPort == 0 && r.LastPort == 65_535) || (r.Denies && p.Fragment) || (ports && p.DestinationPort >= r.FirstPort && p.DestinationPort <= r.LastPort)));
        if (rule is null || rule.Denies)
        {
            return false;
        }

        if (unicast && (ports || (p.Kind == PacketKind.Echo && !p.Fragment) || icmpPart))
        {
            _begun.Add(Conversation(p, p.From, to, source, destination));
        }

        return true;
    }
}
