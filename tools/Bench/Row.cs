using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench;

/// <summary>A workload and what it took at each place; null where it was not run, or failed.</summary>
internal sealed record Row(Workload Workload, Measurement? Native, Measurement? Bulkhead, Measurement? Qemu)
{
    /// <summary>Bulkhead's time by the host's own.</summary>
    internal double ToNative => Ratio(Bulkhead, Native);

    /// <summary>QEMU's time by the host's own.</summary>
    internal double QemuToNative => Ratio(Qemu, Native);

    /// <summary>QEMU's time by Bulkhead's.</summary>
    internal double AheadOfQemu => Ratio(Qemu, Bulkhead);

    /// <summary>Whether all that ran computed the same.</summary>
    internal bool Agrees => new[] { Native, Bulkhead, Qemu }.Where(m => m?.Nanoseconds.Count > 0).Select(m => m!.Sum).Distinct().Count() <= 1;

    internal static double ToNativeMean(IEnumerable<Row> rows) => Statistics.GeometricMean(rows.Select(r => r.ToNative));

    internal static double AheadOfQemuMean(IEnumerable<Row> rows) => Statistics.GeometricMean(rows.Select(r => r.AheadOfQemu));

    internal static double NativeAheadOfQemuMean(IEnumerable<Row> rows) => Statistics.GeometricMean(rows.Select(r => r.ToNative * r.AheadOfQemu));

    internal JsonObject ToJson()
    {
        var row = new JsonObject
        {
            ["name"] = Workload.Name,
            ["what"] = Workload.What,
            ["nativeNs"] = Times(Native),
            ["bulkheadNs"] = Times(Bulkhead),
            ["qemuNs"] = Times(Qemu),
            ["toNative"] = Statistics.Json(ToNative),
            ["aheadOfQemu"] = Statistics.Json(AheadOfQemu),
            ["agrees"] = Agrees,
        };
        if (Bulkhead is { BytesPerInstruction: not double.NaN })
        {
            row["bytesPerInstruction"] = Statistics.Json(Bulkhead.BytesPerInstruction);
        }

        return row;

        static JsonArray? Times(Measurement? m) => m is null ? null : [.. m.Nanoseconds.Select(Statistics.Json)];
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote, but for the sums.</summary>
    internal static Row FromJson(string workloadClass, JsonNode row)
    {
        return new Row(new Workload((string)row["name"]!, workloadClass, (string)row["what"]!), Of("nativeNs"), Of("bulkheadNs"), Of("qemuNs"));

        Measurement? Of(string place) => row[place] is { } times
            ? new Measurement([.. times.AsArray().Select(t => (double)t!)], "", (double?)row["bytesPerInstruction"] ?? double.NaN)
            : null;
    }

    private static double Ratio(Measurement? a, Measurement? b) =>
        a?.Nanoseconds.Count > 0 && b?.Nanoseconds.Count > 0 ? a.Median / b.Median : double.NaN;
}
