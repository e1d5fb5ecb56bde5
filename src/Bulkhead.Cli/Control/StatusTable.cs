using System.Globalization;
using Bulkhead.Core;

namespace Bulkhead.Cli.Control;

/// <summary>Domains as a table for people.</summary>
internal static class StatusTable
{
    private static readonly Column[] s_columns =
    [
        new("DOMAIN", -16, true, static d => d.Name),
        new("STATE", -11, true, State),
        new("CLASS", -8, true, static d => d.VcpuClasses is { } classes ? string.Join(',', classes.Distinct()) : "-"),
        new("CPU%", 6, true, static d => Number(d.CpuPercent)),
        new("SHARE%", 7, false, static d => Number(d.SharePercent)),
        new("WEIGHT%", 8, false, static d => Number(d.WeightPercent)),
        new("EXITS/S", 9, false, static d => d.Exits.ToString(CultureInfo.InvariantCulture)),
        new("P50", 8, false, static d => Time(d.LatencyP50Ns)),
        new("P99.9", 8, true, static d => Time(d.LatencyP999Ns)),
        new("MAX", 8, true, static d => Time(d.LatencyMaxNs)),
        new("BOUND", 8, true, static d => Time(d.WorstBoundNs)),
        new("RESTARTS", 9, false, static d => d.Restarts.ToString(CultureInfo.InvariantCulture)),
        new("SINCE", 7, true, static d => Since(d.Seconds)),
    ];

    /// <summary>The head over <see cref="Row"/>s, as wide as there is room for: columns that matter less are left out first.</summary>
    internal static string Head(int width = int.MaxValue) => string.Join(' ', Fitting(width).Select(static c => c.Pad(c.Title)));

    /// <summary>One domain.</summary>
    internal static string Row(DomainStatus d, int width = int.MaxValue) => string.Join(' ', Fitting(width).Select(c => c.Pad(c.Text(d))));

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

    private static IEnumerable<Column> Fitting(int width)
    {
        bool all = s_columns.Sum(static c => c.Size + 1) - 1 <= width;
        return s_columns.Where(c => all || c.Matters);
    }

    private static string State(DomainStatus d) => d is { State: "exited", ExitCode: { } code } ? string.Create(CultureInfo.InvariantCulture, $"exited({code})") : d.State;

    private static string Number(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    private static string Since(double seconds) => seconds switch
    {
        >= 86_400 => $"{Number(seconds / 86_400)}d",
        >= 3_600 => $"{Number(seconds / 3_600)}h",
        >= 60 => $"{Number(seconds / 60)}m",
        _ => $"{Number(seconds)}s",
    };

    private static long RoundUp(long ns, long unit) => (ns + unit - 1) / unit * unit;

    /// <summary>A column; a negative width is to the left.</summary>
    private sealed record Column(string Title, int Width, bool Matters, Func<DomainStatus, string> Text)
    {
        internal int Size => Math.Abs(Width);

        internal string Pad(string text) => Width < 0 ? text.PadRight(-Width) : text.PadLeft(Width);
    }
}
