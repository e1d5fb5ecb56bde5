using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Cli.Systems;

/// <summary>What <c>set</c> changes of a domain while it runs.</summary>
internal static class ShareChange
{
    private const int MostWeight = 65535;
    private const int MostPriority = 255;
    private const long MostNs = 3_600_000_000_000;

    private static readonly string[] s_bvt = ["weight", "warp", "warp-limit", "unwarp"];
    private static readonly string[] s_fixedPriority = ["priority"];

    // What another version of the file changes.
    private static readonly string[] s_applied = ["reservation", "classes", "latency", "restart", "watchdog", "depends_on", "expect", "policy", "allowance", "frame"];

    /// <summary>What can be set of a domain under a policy.</summary>
    internal static IReadOnlyList<string> Names(DomainConfig domain, SchedulingPolicy policy)
    {
        string[] own = policy switch
        {
            SchedulingPolicy.Bvt => s_bvt,
            SchedulingPolicy.FixedPriority => s_fixedPriority,
            _ => [],
        };
        string urgency = policy == SchedulingPolicy.Bvt ? "warp" : "priority";
        return [.. own, .. domain.Classes.SelectMany(c => (string[])[$"{c.Name}.{urgency}", $"{c.Name}.limit", $"{c.Name}.rest"])];
    }

    /// <summary>The domain with other values.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> with what is accepted.</remarks>
    internal static DomainConfig Apply(DomainConfig domain, SchedulingPolicy policy, IReadOnlyDictionary<string, string> values)
    {
        IReadOnlyList<string> names = Names(domain, policy);
        foreach ((string name, string value) in values)
        {
            if (!names.Contains(name))
            {
                throw new OperatorException(Refusal(domain, policy, name, names), 2);
            }

            string[] parts = name.Split('.');
            domain = parts.Length == 1
                ? Change(domain, name, value)
                : domain with { Classes = [.. domain.Classes.Select(c => c.Name == parts[0] ? Change(c, parts[1], name, value) : c)] };
        }

        if (domain.Warp is { LimitNs: 0, UnwarpNs: > 0 } && (values.ContainsKey("unwarp") || values.ContainsKey("warp-limit")))
        {
            throw new OperatorException($"domain {domain.Name}: unwarp is how long a vCPU that ran warped for warp-limit stays unwarped; give a warp-limit, or unwarp=0.", 2);
        }

        return ClassOrder.Fault(domain, policy) is { } fault ? throw new OperatorException($"domain {domain.Name}: {fault}.", 2) : domain;
    }

    private static DomainConfig Change(DomainConfig domain, string name, string value)
    {
        WarpConfig warp = domain.Warp ?? new WarpConfig(0, 0, 0);
        return name switch
        {
            "weight" => domain with { Weight = Number(name, value, 1, MostWeight) },
            "priority" => domain with { Priority = Number(name, value, 0, MostPriority) },
            "warp" => domain with { Warp = Time(name, value) is var ns && ns == 0 ? null : warp with { ValueNs = ns } },
            "warp-limit" => domain with { Warp = warp with { LimitNs = Time(name, value) } },
            _ => domain with { Warp = warp with { UnwarpNs = Time(name, value) } },
        };
    }

    private static ShareClass Change(ShareClass one, string what, string name, string value) => what switch
    {
        "warp" => one with { WarpNs = Time(name, value) },
        "priority" => one with { Priority = Number(name, value, 0, MostPriority) },
        "limit" => one with { LimitNs = Time(name, value) },
        _ => one with { RestNs = Time(name, value) },
    };

    private static string Refusal(DomainConfig domain, SchedulingPolicy policy, string name, IReadOnlyList<string> names)
    {
        const string apply = "change it in the system file, and 'bulkhead apply' that";
        if (s_applied.Contains(name))
        {
            return $"{name}: cannot be set; {apply}.";
        }

        if (names.Count == 0)
        {
            return $"{name}: cannot be set; nothing can in pool {domain.Pool}, whose policy is {policy.Word()}. What domain {domain.Name} gets there is in the system file: {apply}.";
        }

        string hint = NearestName.Find(name, [.. names]) is { } near ? $"; did you mean {near}?" : string.Empty;
        return $"{name}: cannot be set; there are {string.Join(", ", names)}{hint}";
    }

    private static int Number(string name, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw new OperatorException($"{name}={text}: give a whole number from {least} to {most}.", 2);

    private static long Time(string name, string text) =>
        Quantity.TryParseDuration(text, out long ns) && ns is >= 0 and <= MostNs
            ? ns
            : throw new OperatorException($"{name}={text}: give {Quantity.DurationForm}, at most 1h, or 0 for none.", 2);
}
