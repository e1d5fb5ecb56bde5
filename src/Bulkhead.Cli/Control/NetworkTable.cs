using System.Globalization;
using Bulkhead.Machine.Devices;

namespace Bulkhead.Cli.Control;

/// <summary>Networks between domains, for people.</summary>
internal static class NetworkTable
{
    private static readonly string[] s_units = ["", "Ki", "Mi", "Gi", "Ti"];

    /// <summary>Writes those of a system.</summary>
    internal static void Write(TextWriter output, string? system, IReadOnlyList<NetworkReport> networks)
    {
        foreach (NetworkReport network in networks)
        {
            output.WriteLine($"network {network.Name} of {system}");
            output.WriteLine($"  {"DOMAIN",-16} {"ADDRESS",-17} {"SENT",10} {"BYTES",8} {"RECEIVED",10} {"BYTES",8} {"DENIED",8} {"SPOOFED",8} {"BAD",6} {"NOBODY",7} {"OVERRUN",8}");
            foreach (NetworkPortReport p in network.Ports)
            {
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {p.Domain,-16} {p.Mac,-17} {p.Sent,10} {Bytes(p.SentBytes),8} {p.Received,10} {Bytes(p.ReceivedBytes),8} {p.Denied,8} {p.Spoofed,8} {p.Malformed,6} {p.Unreachable,7} {p.Overrun,8}"));
            }

            output.WriteLine($"  {"RULE",-42} {"FRAMES",10} {"BYTES",8} {"ANSWERS",10} {"BYTES",8} {"DROPPED",8}");
            foreach (NetworkRuleReport r in network.Rules)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {r.Rule,-42} {r.Frames,10} {Bytes(r.Bytes),8} {r.Replies,10} {Bytes(r.ReplyBytes),8} {r.Dropped,8}"));
            }
        }
    }

    /// <summary>Bytes to three digits or so.</summary>
    private static string Bytes(long bytes)
    {
        double value = bytes;
        int unit = 0;
        for (; value >= 1000 && unit < s_units.Length - 1; unit++)
        {
            value /= 1024;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 || value >= 100 ? Math.Round(value) : Math.Round(value, 1))}{s_units[unit]}");
    }
}
