using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench;

/// <summary>Draws each workload's time by the host's own, on Bulkhead and on QEMU, on a logarithmic axis, as SVG.</summary>
internal static class RatioPlot
{
    private const int Left = 150;
    private const int Width = 620;
    private const int Line = 16;
    private const double Most = 100;

    /// <summary>Draws all classes that the host itself has figures for.</summary>
    internal static string Draw(IReadOnlyList<JsonObject> classes)
    {
        var body = new StringBuilder();
        int y = 48;
        foreach (JsonObject c in classes.Where(static c => c["toNative"] is not null))
        {
            _ = body.AppendLine(CultureInfo.InvariantCulture, $"""<text x="4" y="{y + 12}" font-weight="bold">{c["class"]}</text>""");
            y += Line + 4;
            foreach (JsonNode? row in c["rows"]!.AsArray())
            {
                double? mine = (double?)row!["toNative"];
                double? qemu = mine * (double?)row["aheadOfQemu"];
                _ = body.AppendLine(CultureInfo.InvariantCulture, $"""<text x="{Left - 8}" y="{y + 11}" text-anchor="end">{row["name"]}</text>""");
                Bar(qemu, 3, "#c9a46a");
                Bar(mine, 8, "#2f7d6d");
                y += Line;
            }

            y += 8;
        }

        var axis = new StringBuilder();
        foreach (int tick in (ReadOnlySpan<int>)[1, 2, 5, 10, 20, 50, 100])
        {
            _ = axis.AppendLine(CultureInfo.InvariantCulture, $"""<line x1="{X(tick)}" y1="40" x2="{X(tick)}" y2="{y}" stroke="#888" stroke-opacity="0.4"/><text x="{X(tick)}" y="36" text-anchor="middle">{tick}x</text>""");
        }

        return string.Create(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Left + Width + 20} {y + 8}" font-family="sans-serif" font-size="11" fill="#777">
            <text x="4" y="16">time by the host's own (left is faster): <tspan fill="#2f7d6d">Bulkhead</tspan>, <tspan fill="#c9a46a">QEMU TCG</tspan></text>
            {axis}{body}</svg>

            """);

        void Bar(double? ratio, int offset, string colour)
        {
            if (ratio is { } r)
            {
                _ = body.AppendLine(CultureInfo.InvariantCulture, $"""<rect x="{X(0.8)}" y="{y + offset}" width="{Math.Max(X(r) - X(0.8), 1)}" height="4" fill="{colour}"/>""");
            }
        }
    }

    private static double X(double ratio) => Math.Round(Left + (Width * Math.Log(Math.Clamp(ratio, 0.8, Most) / 0.8) / Math.Log(Most / 0.8)), 1);
}
