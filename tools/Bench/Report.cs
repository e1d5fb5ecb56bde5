using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench;

/// <summary>The results as a table, as JSON and as Markdown.</summary>
internal static class Report
{
    /// <summary>A line per row, then the geometric means and the targets.</summary>
    internal static string Table(WorkloadClass workloadClass, IReadOnlyList<Row> rows)
    {
        Column[] columns = [.. Columns(workloadClass, rows, spread: true)];
        var text = new StringBuilder();
        Line(workloadClass.Name, [.. columns.Select(c => c.Title)]);
        foreach (Row r in rows)
        {
            Line(r.Workload.Name, [.. columns.Select(c => c.Text(r)), r.Agrees ? "" : "RESULTS DIFFER"]);
        }

        string[] means = [Mean("to native", Row.ToNativeMean(rows)), Mean("to QEMU", Row.AheadOfQemuMean(rows))];
        return text.AppendLine(string.Join(", ", means.Append($"target: {workloadClass.Verdict(rows)}").Where(m => m.Length > 0))).ToString();

        void Line(string name, string[] cells)
        {
            IEnumerable<string> padded = cells.Select((c, i) => $" {c.PadLeft(i < columns.Length ? Math.Max(13, columns[i].Title.Length) : 0)}");
            _ = text.AppendLine($"{name,-18}{string.Concat(padded)}".TrimEnd());
        }

        static string Mean(string name, double value) => double.IsNaN(value) ? "" : $"{name} {Times(value)}";
    }

    /// <summary>One class's results.</summary>
    internal static JsonObject Json(WorkloadClass workloadClass, IReadOnlyList<Row> rows, JsonObject place) => new()
    {
        ["class"] = workloadClass.Name,
        ["place"] = place.DeepClone(),
        ["toNative"] = Statistics.Json(Row.ToNativeMean(rows)),
        ["aheadOfQemu"] = Statistics.Json(Row.AheadOfQemuMean(rows)),
        ["rows"] = new JsonArray([.. rows.Select(r => r.ToJson())]),
    };

    /// <summary>The summary of all classes whose results are there.</summary>
    internal static string Markdown(IReadOnlyList<JsonObject> results)
    {
        (WorkloadClass Class, JsonNode Place, Row[] Rows)[] classes = [.. results.Select(c =>
            (Classes.Of((string)c["class"]!), c["place"]!, c["rows"]!.AsArray().Select(r => Row.FromJson((string)c["class"]!, r!)).ToArray()))];
        var text = new StringBuilder();
        _ = text.AppendLine("# Measured speed").AppendLine()
            .AppendLine("`bench/run` makes these figures: the same binary on the host, in Debian's kernel on Bulkhead and in the same kernel on QEMU's")
            .AppendLine("translator, in one session; medians. *to native*: Bulkhead's time by the host's (1 is native speed, smaller is better).")
            .AppendLine("*to QEMU*: how many times faster than QEMU; *native to QEMU*: how many times the host is, the most there is to reach. What only a")
            .AppendLine("guest does, exits for one, has no native figures.").AppendLine()
            .AppendLine("![ratios](ratios.svg)").AppendLine()
            .AppendLine("Disks, networks and channels (`bench/io`): [io.md](io.md).").AppendLine()
            .AppendLine("| class | to native | to QEMU | native to QEMU | target |").AppendLine("|---|---|---|---|---|");
        foreach ((WorkloadClass c, _, Row[] rows) in classes)
        {
            _ = text.AppendLine($"| {c.Name} | {Times(Row.ToNativeMean(rows))} | {Times(Row.AheadOfQemuMean(rows))} | {Times(Row.NativeAheadOfQemuMean(rows))} | {c.Verdict(rows)} |");
        }

        foreach ((WorkloadClass c, JsonNode place, Row[] rows) in classes)
        {
            Column[] columns = [.. Columns(c, rows)];
            string options = place["engineOptions"] is { } list ? $", engine options {list}" : "";
            _ = text.AppendLine().AppendLine($"## {c.Name}").AppendLine()
                .AppendLine($"{place["date"]}, {place["host"]}, load {place["load"]}{options}").AppendLine()
                .AppendLine($"| workload | what | {string.Join(" | ", columns.Select(k => k.Title))} |")
                .Append("|---|---|").AppendLine(string.Concat(columns.Select(_ => "---|")));
            foreach (Row r in rows)
            {
                _ = text.AppendLine($"| {r.Workload.Name} | {r.Workload.What} | {string.Join(" | ", columns.Select(k => k.Text(r)))} |");
            }
        }

        return text.ToString();
    }

    /// <summary>The columns of figures, but for those no row has.</summary>
    private static IEnumerable<Column> Columns(WorkloadClass workloadClass, IReadOnlyList<Row> rows, bool spread = false)
    {
        Unit unit = workloadClass.Unit;
        IEnumerable<Column> all =
        [
            new($"native {unit.Name}", r => unit.Text(r.Native)),
            new($"Bulkhead {unit.Name}", r => unit.Text(r.Bulkhead)),
            new("spread", r => spread ? unit.Spread(r.Bulkhead) : ""),
            new($"QEMU {unit.Name}", r => unit.Text(r.Qemu)),
            new("to native", r => Times(r.ToNative)),
            new("to QEMU", r => Times(r.AheadOfQemu)),
            new("bytes per instruction", r => r.Bulkhead is { BytesPerInstruction: not double.NaN and var bytes } ? bytes.ToString("F1", CultureInfo.InvariantCulture) : ""),
        ];
        return all.Where(c => rows.Any(r => c.Text(r).Length > 0));
    }

    private static string Times(double value) => double.IsNaN(value) ? "" : string.Create(CultureInfo.InvariantCulture, $"{value:0.00}x");

    private readonly record struct Column(string Title, Func<Row, string> Text);
}
