namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>A network between domains: carries a frame from one member to another where a rule lets it pass.</summary>
/// <remarks>
/// <para>The first rule that speaks of a frame decides; without one it is dropped. What answers a conversation that a rule let begin passes as
/// well. Members between whom a rule lets anything pass may ask each other for their addresses. The ports of fragments are not known: they
/// do not pass by a rule that names ports, and are dropped by one that denies some.</para>
/// <para><i>Threading</i>: the sender's executor, which waits for nobody. <i>Cost</i>: a frame is copied once for each who gets it; no allocation.</para>
/// </remarks>
public sealed class NetworkSwitch
{
    private readonly Func<long> _nowNs;
    private readonly SwitchRule[] _rules;
    private readonly SwitchPort[] _ports;
    private readonly int[][] _between; // numbers of the rules from one to another, in order
    private readonly bool[] _linked;

    /// <summary>Makes one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="mtu">The largest payload of a frame.</param>
    /// <param name="members">Who is part of it.</param>
    /// <param name="rules">What may pass.</param>
    /// <param name="nowNs">The time.</param>
    /// <param name="immediate">Whether cards work at once, on the thread that rings, as time made of instructions needs it.</param>
    public NetworkSwitch(string name, ushort mtu, IReadOnlyList<SwitchMember> members, IReadOnlyList<SwitchRule> rules, Func<long> nowNs, bool immediate = false)
    {
        (Name, Mtu, IsImmediate, _nowNs, _rules) = (name, mtu, immediate, nowNs, [.. rules]);
        _ports = [.. members.Select((m, i) => new SwitchPort(this, i, m, rules.Count))];
        _between = new int[_ports.Length * _ports.Length][];
        for (int i = 0; i < _between.Length; i++)
        {
            _between[i] = [.. Enumerable.Range(0, rules.Count).Where(r => rules[r].Concerns(i / _ports.Length, i % _ports.Length))];
        }

        _linked = [.. _between.Select((_, i) => Allows(i) || Allows((i % _ports.Length * _ports.Length) + (i / _ports.Length)))];
        bool Allows(int pair) => Array.Exists(_between[pair], r => !_rules[r].Denies);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The largest payload of a frame.</summary>
    public ushort Mtu { get; }

    /// <summary>Whether cards work on the thread that rings.</summary>
    internal bool IsImmediate { get; }

    /// <summary>Where the members are connected, in order.</summary>
    public IReadOnlyList<SwitchPort> Ports => _ports;

    /// <summary>What each rule did. From any thread.</summary>
    public IReadOnlyList<RuleCounters> RuleCounters()
    {
        var sums = new RuleCounters[_rules.Length];
        foreach (SwitchPort port in _ports)
        {
            for (int i = 0; i < sums.Length; i++)
            {
                RuleCounters one = port.Rules[i];
                sums[i].Frames += one.Frames;
                sums[i].Bytes += one.Bytes;
                sums[i].Replies += one.Replies;
                sums[i].ReplyBytes += one.ReplyBytes;
                sums[i].Dropped += one.Dropped;
            }
        }

        return sums;
    }

    /// <summary>Carries a frame on; on the executor of the port it came from.</summary>
    internal void Forward(SwitchPort from, FrameHeader header, Span<byte> frame)
    {
        from.Count.Sent++;
        from.Count.SentBytes += frame.Length;
        if (!Offloads.TryCheck(ref header, frame, out FrameFacts facts))
        {
            from.Count.Malformed++;
        }
        else if (!from.Owns(facts))
        {
            from.Count.Spoofed++;
        }
        else
        {
            int reached = 0;
            int there = 0;
            long now = _nowNs();
            foreach (SwitchPort to in _ports)
            {
                if (to != from && (facts.IsGroup || to.Mac == facts.Destination) && to.IsOpen)
                {
                    there++;
                    if (Admits(from, to, header, facts, frame.Length, now))
                    {
                        to.Deliver(header, facts, frame);
                        reached++;
                    }
                }
            }

            from.Count.Unreachable += there == 0 ? 1 : 0;
            from.Count.Denied += there > 0 && reached == 0 ? 1 : 0;
        }
    }

    private bool Admits(SwitchPort from, SwitchPort to, in FrameHeader header, in FrameFacts facts, int length, long nowNs)
    {
        int pair = (from.Number * _ports.Length) + to.Number;
        if (facts.Kind == FrameKind.Neighbor)
        {
            return _linked[pair];
        }

        int frames = Offloads.Segments(header, length);
        if (MayAnswer(facts) && to.Flows.TryAnswer(FlowKey.Inward(facts, from.Number), facts, nowNs, out int begun))
        {
            return CountReply(from, begun, frames, length, nowNs);
        }

        foreach (int number in _between[pair])
        {
            SwitchRule rule = _rules[number];
            if (rule.Matches(facts))
            {
                ref RuleCounters counters = ref from.Rules[number];
                if (rule.Denies || !IsWithin(from, number, frames, length, nowNs))
                {
                    counters.Dropped += frames;
                    return false;
                }

                counters.Frames += frames;
                counters.Bytes += length;
                if (!facts.IsGroup && (facts.HasPorts || facts.IsEcho || (facts.Kind == FrameKind.Icmp && facts.IsFragment)))
                {
                    from.Flows.Note(FlowKey.Outward(facts, to.Number), facts, number, nowNs);
                }

                return true;
            }
        }

        return false;
    }

    // The rule that let the conversation begin limits who answers, by himself, as it does who began it.
    private bool CountReply(SwitchPort from, int number, int frames, int length, long nowNs)
    {
        ref RuleCounters counters = ref from.Rules[number];
        if (!IsWithin(from, number, frames, length, nowNs))
        {
            counters.Dropped += frames;
            return false;
        }

        counters.Replies += frames;
        counters.ReplyBytes += length;
        return true;
    }

    private bool IsWithin(SwitchPort from, int number, int frames, int length, long nowNs) =>
        _rules[number].Limit is var limit && (!limit.IsSet || from.TryTake(number, limit, frames, length, nowNs));

    // Who only synchronizes begins a conversation of its own.
    private static bool MayAnswer(in FrameFacts facts) => facts.Kind switch
    {
        _ when facts.IsGroup => false,
        FrameKind.Tcp => facts.HasPorts && (facts.TcpFlags & (FrameFacts.Synchronize | FrameFacts.Acknowledge)) != FrameFacts.Synchronize,
        FrameKind.Udp => facts.HasPorts,
        FrameKind.Icmp => facts.IsEchoReply || facts.IsFragment,
        _ => false,
    };
}
