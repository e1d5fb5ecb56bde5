using System.Globalization;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>How often each latency was seen, in whole microseconds.</summary>
/// <param name="Buckets">Ascending; without those nobody was in, and those beyond the histogram.</param>
/// <param name="Beyond">How many were beyond it.</param>
/// <param name="Min">The least.</param>
/// <param name="Mean">The mean.</param>
/// <param name="Max">The most, wherever it is.</param>
internal sealed record Distribution(IReadOnlyList<(int Us, long Count)> Buckets, long Beyond, int Min, int Mean, int Max)
{
    internal long Samples => Beyond + Buckets.Sum(static b => b.Count);

    /// <summary>Reads what cyclictest prints at its end.</summary>
    /// <exception cref="BenchException">It did not get so far.</exception>
    internal static Distribution OfHost(IReadOnlyList<string> lines)
    {
        var buckets = new List<(int, long)>();
        foreach (string[] words in lines.Select(Words))
        {
            if (words is [var us, var count] && int.TryParse(us, out int latency) && long.TryParse(count, out long n) && n > 0)
            {
                buckets.Add((latency, n));
            }
        }

        return new Distribution(buckets, Field("# Histogram Overflows:"), Field("# Min Latencies:"), Field("# Avg Latencies:"), Field("# Max Latencies:"));

        int Field(string name) => lines.FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) is { } line && int.TryParse(line[name.Length..], out int value)
            ? value
            : throw Nothing(lines);
    }

    /// <summary>Reads what a guest image prints of it.</summary>
    /// <exception cref="BenchException">It did not get so far.</exception>
    internal static Distribution OfGuest(IReadOnlyList<string> lines)
    {
        var buckets = new List<(int, long)>();
        string? summary = null;
        foreach (string line in lines)
        {
            switch (Words(line))
            {
                case ["cyclictest:", "bucket", var us, var count] when int.TryParse(us, out int latency) && long.TryParse(count, out long n):
                    buckets.Add((latency, n));
                    break;
                case ["cyclictest:", "summary", ..]:
                    summary = line;
                    break;
            }
        }

        long samples = Field("samples=");
        long inside = buckets.Sum(static b => b.Item2);
        return buckets.Count > 0 && inside <= samples
            ? new Distribution(buckets, samples - inside, (int)Field("min="), (int)Field("avg="), (int)Field("max="))
            : throw Nothing(lines);

        long Field(string name) => summary is not null && Words(summary).FirstOrDefault(w => w.StartsWith(name, StringComparison.Ordinal)) is { } word
            ? long.Parse(word.AsSpan(name.Length), CultureInfo.InvariantCulture)
            : throw Nothing(lines);
    }

    /// <summary>The latency that so many percent of the samples did not exceed; where it is beyond the histogram, the most.</summary>
    internal int Percentile(double percent)
    {
        double wanted = Samples * percent / 100;
        long seen = 0;
        foreach ((int us, long count) in Buckets)
        {
            seen += count;
            if (seen >= wanted)
            {
                return us;
            }
        }

        return Max;
    }

    internal JsonObject ToJson(long expected) => new()
    {
        ["expected"] = expected,
        ["samples"] = Samples,
        ["lost"] = Math.Max(expected - Samples, 0),
        ["minUs"] = Min,
        ["meanUs"] = Mean,
        ["p50Us"] = Percentile(50),
        ["p99Us"] = Percentile(99),
        ["p999Us"] = Percentile(99.9),
        ["maxUs"] = Max,
        ["beyondHistogram"] = Beyond,
        ["histogramUs"] = new JsonArray([.. Buckets.Select(static b => new JsonArray(b.Us, b.Count))]),
    };

    private static string[] Words(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static BenchException Nothing(IReadOnlyList<string> lines) =>
        new($"cyclictest printed no histogram; the last lines: {string.Join(" / ", lines.TakeLast(5))}");
}
