using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Cli.Systems;

/// <summary>What <c>set</c> changes of a domain while it runs.</summary>
internal static class ShareChange
{
    private const int MostWeight = 65535;
    private const long MostNs = 3_600_000_000_000;

    private static readonly string[] s_names = ["weight", "warp", "warp-limit", "unwarp"];

    /// <summary>The domain with other values.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> with what is accepted.</remarks>
    internal static DomainConfig Apply(DomainConfig domain, IReadOnlyDictionary<string, string> values)
    {
        foreach ((string name, string value) in values)
        {
            WarpConfig warp = domain.Warp ?? new WarpConfig(0, 0, 0);
            domain = name switch
            {
                "weight" => domain with { Weight = Weight(value) },
                "warp" => domain with { Warp = Time(name, value) is var ns && ns == 0 ? null : warp with { ValueNs = ns } },
                "warp-limit" => domain with { Warp = warp with { LimitNs = Time(name, value) } },
                "unwarp" => domain with { Warp = warp with { UnwarpNs = Time(name, value) } },
                _ => throw new OperatorException(
                    $"{name}: cannot be set; there are {string.Join(", ", s_names)}{(NearestName.Find(name, s_names) is { } near ? $"; did you mean {near}?" : string.Empty)}", 2),
            };
        }

        return domain;
    }

    private static int Weight(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int weight) && weight is >= 1 and <= MostWeight
            ? weight
            : throw new OperatorException($"weight={text}: give a whole number from 1 to {MostWeight}.", 2);

    private static long Time(string name, string text) =>
        Quantity.TryParseDuration(text, out long ns) && ns is >= 0 and <= MostNs
            ? ns
            : throw new OperatorException($"{name}={text}: give {Quantity.DurationForm}, at most 1h, or 0 for none.", 2);
}
