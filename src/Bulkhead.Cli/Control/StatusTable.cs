using System.Globalization;
using Bulkhead.Core;

namespace Bulkhead.Cli.Control;

/// <summary>Domains as a table for people.</summary>
internal static class StatusTable
{
    /// <summary>The head over <see cref="Row"/>s.</summary>
    internal const string Head = "DOMAIN           STATE        CPU%  SHARE%  WEIGHT%    EXITS/S      P50    P99.9      MAX    BOUND  RESTARTS  SINCE";

    /// <summary>One domain.</summary>
    internal static string Row(DomainStatus d) => string.Create(
        CultureInfo.InvariantCulture,
        $"{d.Name,-16} {State(d),-10} {d.CpuPercent,6:F1} {d.SharePercent,7:F1} {d.WeightPercent,8:F1} {d.Exits,10} {Time(d.LatencyP50Ns),8} {Time(d.LatencyP999Ns),8} {Time(d.LatencyMaxNs),8} {Time(d.WorstBoundNs),8} {d.Restarts,9}  {Since(d.Seconds)}");

    /// <summary>A time to three digits or so; bounds and percentiles are no finer.</summary>
    internal static string Time(long? ns) => ns switch
    {
        null => "-",
        >= long.MaxValue / 2 => "none",
        >= 10_000_000_000 => Quantity.FormatDuration(RoundUp(ns.Value, 1_000_000_000)),
        >= 10_000_000 => Quantity.FormatDuration(RoundUp(ns.Value, 1_000_000)),
        >= 100_000 => Quantity.FormatDuration(RoundUp(ns.Value, 10_000)),
        _ => Quantity.FormatDuration(RoundUp(ns.Value, 1_000)),
    };

    private static string State(DomainStatus d) => d is { State: "exited", ExitCode: { } code } ? string.Create(CultureInfo.InvariantCulture, $"exited({code})") : d.State;

    private static string Since(double seconds) => seconds switch
    {
        >= 86_400 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86_400:F1}d"),
        >= 3_600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3_600:F1}h"),
        >= 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:F1}m"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds:F1}s"),
    };

    private static long RoundUp(long ns, long unit) => (ns + unit - 1) / unit * unit;
}
