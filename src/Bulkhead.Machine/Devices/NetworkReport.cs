using System.Globalization;
using Bulkhead.Devices.Backends.Net.Switching;

namespace Bulkhead.Machine.Devices;

/// <summary>What passed on a network so far.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Ports">Its members' cards.</param>
/// <param name="Rules">Its rules in order.</param>
public sealed record NetworkReport(string Name, IReadOnlyList<NetworkPortReport> Ports, IReadOnlyList<NetworkRuleReport> Rules)
{
    /// <summary>Reads the counters.</summary>
    internal static NetworkReport Of(NetworkRequest request, NetworkSwitch network)
    {
        IReadOnlyList<RuleCounters> rules = network.RuleCounters();
        return new NetworkReport(
            network.Name,
            [
                .. network.Ports.Select(static p => (p.Member, p.Counters)).Select(static p => new NetworkPortReport
                {
                    Domain = p.Member.Name,
                    Mac = string.Join(':', p.Member.Mac.Select(static b => b.ToString("x2", CultureInfo.InvariantCulture))),
                    Sent = p.Counters.Sent,
                    SentBytes = p.Counters.SentBytes,
                    Received = p.Counters.Received,
                    ReceivedBytes = p.Counters.ReceivedBytes,
                    Denied = p.Counters.Denied,
                    Malformed = p.Counters.Malformed,
                    Spoofed = p.Counters.Spoofed,
                    Unreachable = p.Counters.Unreachable,
                    Overrun = p.Counters.Overrun,
                }),
            ],
            [
                .. request.Rules.Select((r, i) => new NetworkRuleReport
                {
                    Rule = r.ToString(),
                    Frames = rules[i].Frames,
                    Bytes = rules[i].Bytes,
                    Replies = rules[i].Replies,
                    ReplyBytes = rules[i].ReplyBytes,
                    Dropped = rules[i].Dropped,
                }),
            ]);
    }
}
