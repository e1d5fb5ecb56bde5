namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>The conversations that one member began, and that others may therefore answer. Bounded: a new one replaces what would end first.</summary>
/// <remarks><i>Threading</i>: any. It is the member's own: who begins too many forgets its own.</remarks>
internal sealed class FlowTable
{
    /// <summary>How many there are room for.</summary>
    internal const int Capacity = Sets * Ways;

    private const int SetBits = 8;
    private const int Sets = 1 << SetBits;
    private const int Ways = 4;
    private const long SecondNs = 1_000_000_000;
    private const long TcpNs = 7_440 * SecondNs; // RFC 5382, REQ-5: two hours and four minutes
    private const long UdpNs = 120 * SecondNs;   // RFC 4787, REQ-5: two minutes
    private const long IcmpNs = 60 * SecondNs;   // RFC 5508, REQ-2: a minute
    private const long ClosingNs = 120 * SecondNs;

    private readonly Entry[] _entries = new Entry[Capacity];
    private readonly Lock _lock = new();

    /// <summary>The member sent a frame that a rule let pass.</summary>
    internal void Note(in FlowKey key, in FrameFacts facts, int rule, long nowNs)
    {
        lock (_lock)
        {
            Span<Entry> set = SetOf(key);
            int at = 0;
            for (int i = 0; i < set.Length; i++)
            {
                if (set[i].Key == key)
                {
                    at = i;
                    break;
                }

                at = set[i].EndNs < set[at].EndNs ? i : at;
            }

            ref Entry entry = ref set[at];
            bool closing = entry.Key == key && entry.EndNs > nowNs && entry.Closing && (facts.TcpFlags & FrameFacts.Synchronize) == 0;
            entry = new Entry { Key = key, Rule = rule, Closing = closing };
            Refresh(ref entry, facts, nowNs);
        }
    }

    /// <summary>Whether a frame to the member belongs to what it began, and by which rule.</summary>
    internal bool TryAnswer(in FlowKey key, in FrameFacts facts, long nowNs, out int rule)
    {
        rule = 0;
        lock (_lock)
        {
            foreach (ref Entry entry in SetOf(key))
            {
                if (entry.EndNs > nowNs && entry.Key == key)
                {
                    Refresh(ref entry, facts, nowNs);
                    rule = entry.Rule;
                    return true;
                }
            }
        }

        return false;
    }

    private static void Refresh(ref Entry entry, in FrameFacts facts, long nowNs)
    {
        entry.Closing |= facts.Kind == FrameKind.Tcp && (facts.TcpFlags & (FrameFacts.Finish | FrameFacts.Reset)) != 0;
        long lifeNs = entry.Closing ? ClosingNs : facts.Kind switch
        {
            FrameKind.Tcp => TcpNs,
            FrameKind.Udp => UdpNs,
            _ => IcmpNs,
        };
        entry.EndNs = nowNs + lifeNs;
    }

    private Span<Entry> SetOf(in FlowKey key) => _entries.AsSpan((int)(key.Hash() >> (64 - SetBits)) * Ways, Ways);

    private struct Entry
    {
        internal FlowKey Key;
        internal long EndNs;
        internal int Rule;
        internal bool Closing;
    }
}
