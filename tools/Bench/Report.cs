using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench;

/// <summary>The results as a table, as JSON and as Markdown.</summary>
internal static class Report
{
    /// <summary>Per class: at most so many times the host's own time, and at least so many times faster than QEMU (geometric means).</summary>
    private static readonly Dictionary<string, (double ToNative, double AheadOfQemu)> s_targets = new()
    {
        ["integer"] = (1.5, 6),
        ["floating"] = (1.25, 14),
        ["crypto"] = (1.25, 14),
        ["calls"] = (2.0, 4.5),
        ["interpreters"] = (2.8, 6),
        ["codegen"] = (5, 10),
        ["memory"] = (1.4, 9),
        ["system"] = (3.5, 4.5),
        ["smp"] = (double.NaN, 3),
    };

    /// <summary>A line per row, and the geometric means.</summary>
    internal static string Table(string name, IReadOnlyList<Row> rows)
    {
        var text = new StringBuilder();
        _ = text.AppendLine(CultureInfo.InvariantCulture, $"{name,-18} {"native ms",10} {"bulkhead ms",22} {"qemu ms",10} {"to native",10} {"to qemu",8}");
        foreach (Row r in rows)
        {
            string spread = r.Bulkhead?.Nanoseconds.Count > 0 ? $"{r.Bulkhead.Nanoseconds.Min() / 1e6:F1}-{r.Bulkhead.Nanoseconds.Max() / 1e6:F1}" : "";
            _ = text.AppendLine(CultureInfo.InvariantCulture,
                $"{r.Workload.Name,-18} {Ms(r.Native),10} {Ms(r.Bulkhead),8} {spread,13} {Ms(r.Qemu),10} {Times(r.ToNative),10} {Times(r.AheadOfQemu),8}{(r.Agrees ? "" : "  RESULTS DIFFER")}");
        }

        (double toNative, double ahead) = Means(rows);
        _ = text.AppendLine(CultureInfo.InvariantCulture, $"{"geometric mean",-18} {"",10} {"",22} {"",10} {Times(toNative),10} {Times(ahead),8}  {Verdict(name, toNative, ahead)}");
        return text.ToString();
    }

    /// <summary>One class's results.</summary>
    internal static JsonObject Json(string name, IReadOnlyList<Row> rows, JsonObject place)
    {
        var list = new JsonArray();
        foreach (Row r in rows)
        {
            list.Add((JsonNode)new JsonObject
            {
                ["name"] = r.Workload.Name,
                ["what"] = r.Workload.What,
                ["nativeNs"] = Times(r.Native),
                ["bulkheadNs"] = Times(r.Bulkhead),
                ["qemuNs"] = Times(r.Qemu),
                ["toNative"] = Number(r.ToNative),
                ["aheadOfQemu"] = Number(r.AheadOfQemu),
                ["agrees"] = r.Agrees,
            });
        }

        (double toNative, double ahead) = Means(rows);
        return new JsonObject
        {
            ["class"] = name,
            ["place"] = place.DeepClone(),
            ["toNative"] = Number(toNative),
            ["aheadOfQemu"] = Number(ahead),
            ["rows"] = list,
        };

        static JsonArray? Times(Measurement? m) => m is null ? null : [.. m.Nanoseconds.Select(n => (JsonNode)n)];
    }

    /// <summary>The summary of all classes whose results are there.</summary>
    internal static string Markdown(IReadOnlyList<JsonObject> classes)
    {
        var text = new StringBuilder();
        _ = text.AppendLine("# Measured speed").AppendLine()
            .AppendLine("`bench/run` makes these figures: the same binary on the host, in Debian's kernel on Bulkhead and in the same kernel on QEMU's")
            .AppendLine("translator, in one session; medians. *to native*: Bulkhead's time by the host's (1 is native speed, smaller is better).")
            .AppendLine("*to QEMU*: how many times faster than QEMU.").AppendLine()
            .AppendLine("![ratios](ratios.svg)").AppendLine()
            .AppendLine("| class | to native | to QEMU | target |").AppendLine("|---|---|---|---|");
        foreach (JsonObject c in classes)
        {
            string name = (string)c["class"]!;
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {Times(Value(c["toNative"]))} | {Times(Value(c["aheadOfQemu"]))} | {Verdict(name, Value(c["toNative"]), Value(c["aheadOfQemu"]))} |");
        }

        foreach (JsonObject c in classes)
        {
            _ = text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## {c["class"]}").AppendLine()
                .AppendLine(CultureInfo.InvariantCulture, $"{c["place"]!["date"]}, {c["place"]!["host"]}, load {c["place"]!["load"]}").AppendLine()
                .AppendLine("| workload | what | native ms | Bulkhead ms | QEMU ms | to native | to QEMU |").AppendLine("|---|---|---|---|---|---|---|");
            foreach (JsonNode? r in c["rows"]!.AsArray())
            {
                _ = text.AppendLine(CultureInfo.InvariantCulture,
                    $"| {r!["name"]} | {r["what"]} | {Median(r["nativeNs"])} | {Median(r["bulkheadNs"])} | {Median(r["qemuNs"])} | {Times(Value(r["toNative"]))} | {Times(Value(r["aheadOfQemu"]))} |");
            }
        }

        return text.ToString();
    }

    private static (double ToNative, double AheadOfQemu) Means(IReadOnlyList<Row> rows) =>
        (Statistics.GeometricMean(rows.Select(r => r.ToNative)), Statistics.GeometricMean(rows.Select(r => r.AheadOfQemu)));

    private static string Verdict(string name, double toNative, double ahead)
    {
        if (!s_targets.TryGetValue(name, out (double ToNative, double AheadOfQemu) target))
        {
            return "";
        }

        string native = double.IsNaN(target.ToNative) ? "" : $"at most {Times(target.ToNative)}{(toNative <= target.ToNative ? " (met)" : "")}, ";
        return $"{native}at least {Times(target.AheadOfQemu)} QEMU{(ahead >= target.AheadOfQemu ? " (met)" : "")}";
    }

    private static double Value(JsonNode? node) => node is null ? double.NaN : (double)node;

    private static JsonNode? Number(double value) => double.IsNaN(value) ? null : Math.Round(value, 3);

    private static string Times(double value) => double.IsNaN(value) ? "" : string.Create(CultureInfo.InvariantCulture, $"{value:0.00}x");

    private static string Ms(Measurement? m) => m is null ? "failed" : m.Nanoseconds.Count == 0 ? "-" : m.Milliseconds.ToString("F1", CultureInfo.InvariantCulture);

    private static string Median(JsonNode? times) =>
        times is null || times.AsArray().Count == 0 ? "" : (Statistics.Median([.. times.AsArray().Select(t => double.Parse(t!.ToString(), CultureInfo.InvariantCulture))]) / 1e6).ToString("F1", CultureInfo.InvariantCulture);
}
