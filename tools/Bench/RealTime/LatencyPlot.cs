using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>Draws which part of the samples was later than a latency, both on logarithmic axes, a line per setting, as SVG.</summary>
internal static class LatencyPlot
{
    private const int Left = 70;
    private const int Top = 40;
    private const int Width = 640;
    private const int Height = 360;
    private const int LegendLine = 16;
    private const int Decades = 6;
    private static readonly string[] s_colours = ["#888888", "#444444", "#2f7d6d", "#57b894", "#c9a46a", "#b5533c", "#4a6fb0", "#8a5aa8"];

    /// <summary>Draws all settings that have a histogram; the axes are as long as the data.</summary>
    internal static string Draw(JsonObject results)
    {
        (JsonObject Part, (double Us, double Later)[] Points)[] lines =
            [.. results["parts"]!.AsArray().Select(static p => p!.AsObject()).Where(static p => p["histogramUs"] is not null).Select(static p => (p, Points(p)))];
        int right = (int)Math.Ceiling(Math.Log10(Math.Max(lines.SelectMany(static l => l.Points).Select(static p => p.Us).DefaultIfEmpty(10).Max(), 10)));
        var body = new StringBuilder();
        for (int decade = 0; decade <= right; decade++)
        {
            string name = decade switch { < 3 => $"{Math.Pow(10, decade):0} us", < 6 => $"{Math.Pow(10, decade - 3):0} ms", _ => $"{Math.Pow(10, decade - 6):0} s" };
            double x = X(Math.Pow(10, decade));
            _ = body.AppendLine(CultureInfo.InvariantCulture, $"""<line x1="{x}" y1="{Top}" x2="{x}" y2="{Top + Height}" stroke="#888" stroke-opacity="0.4"/><text x="{x}" y="{Top + Height + 16}" text-anchor="middle">{name}</text>""");
        }

        for (int decade = 0; decade <= Decades; decade++)
        {
            double y = Y(Math.Pow(10, -decade));
            string name = string.Create(CultureInfo.InvariantCulture, $"{100 * Math.Pow(10, -decade):0.####}%");
            _ = body.AppendLine(CultureInfo.InvariantCulture, $"""<line x1="{Left}" y1="{y}" x2="{Left + Width}" y2="{y}" stroke="#888" stroke-opacity="0.4"/><text x="{Left - 6}" y="{y + 4}" text-anchor="end">{name}</text>""");
        }

        for (int i = 0; i < lines.Length; i++)
        {
            string colour = s_colours[i % s_colours.Length];
            string dashes = i / s_colours.Length > 0 ? " stroke-dasharray=\"5 3\"" : "";
            _ = body.AppendLine(CultureInfo.InvariantCulture, $"""<path d="{Path(lines[i].Points)}" fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>""");
            int y = Top + Height + 44 + (i * LegendLine);
            JsonObject part = lines[i].Part;
            _ = body.AppendLine(CultureInfo.InvariantCulture, $"""<line x1="{Left}" y1="{y - 4}" x2="{Left + 24}" y2="{y - 4}" stroke="{colour}" stroke-width="3"{dashes}/><text x="{Left + 32}" y="{y}"><tspan font-weight="bold">{part["name"]}</tspan> {System.Security.SecurityElement.Escape((string?)part["what"])}</text>""");
        }

        int height = Top + Height + 44 + (lines.Length * LegendLine);
        return string.Create(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Left + Width + 30} {height}" font-family="sans-serif" font-size="11" fill="#777">
            <text x="4" y="16">part of the periods in which cyclictest woke later than that (left and low is better)</text>
            {body}</svg>

            """);

        double X(double us) => Math.Round(Left + (Width * Math.Log10(Math.Max(us, 1)) / right), 1);

        string Path((double Us, double Later)[] points)
        {
            var path = new StringBuilder();
            double before = 1;
            foreach ((double us, double later) in points)
            {
                _ = path.Append(CultureInfo.InvariantCulture, $"{(path.Length == 0 ? 'M' : 'L')}{X(us)} {Y(before)}L{X(us)} {Y(later)}");
                before = later;
            }

            return path.ToString();
        }
    }

    /// <summary>For each latency seen, the part of the samples that was later; the last is the most, where nothing is.</summary>
    internal static (double Us, double Later)[] Points(JsonObject part)
    {
        double samples = (double)part["samples"]!;
        double left = samples;
        var points = new List<(double, double)>();
        foreach (JsonNode? bucket in part["histogramUs"]!.AsArray())
        {
            left -= (double)bucket![1]!;
            points.Add(((double)bucket[0]!, left / samples));
        }

        if ((double)part["beyondHistogram"]! > 0)
        {
            points.Add(((double)part["maxUs"]!, 0));
        }

        return [.. points];
    }

    // Nothing later is drawn at the axis.
    private static double Y(double part) => Math.Round(Top + (Height * -Math.Log10(Math.Max(part, Math.Pow(10, -Decades))) / Decades), 1);
}
