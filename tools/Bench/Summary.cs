using System.Text.Json;
using System.Text.Json.Nodes;
using Bulkhead.Tools.Bench.RealTime;

namespace Bulkhead.Tools.Bench;

/// <summary>The files of <c>bench/results</c>: each run's figures, and the summary of all that are there.</summary>
internal static class Summary
{
    private const string Folder = "bench/results";
    private const string RealTimeFile = $"{Folder}/realtime.json";
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Writes one class's figures, and the summary anew.</summary>
    internal static void WriteClass(WorkloadClass workloadClass, JsonObject results)
    {
        File.WriteAllText(FileOf(workloadClass), results.ToJsonString(s_indented) + "\n");
        Write();
    }

    /// <summary>Writes the real-time figures, and the summary anew.</summary>
    internal static void WriteRealTime(JsonObject results)
    {
        // A line per part, or the histograms would fill a screen per bucket.
        string parts = string.Join(",\n    ", results["parts"]!.AsArray().Select(static p => p!.ToJsonString()));
        string place = results["place"]!.ToJsonString();
        File.WriteAllText(RealTimeFile, $$"""
            {
              "benchmark": {{results["benchmark"]!.ToJsonString()}},
              "place": {{place}},
              "parts": [
                {{parts}}
              ]
            }

            """);
        File.WriteAllText($"{Folder}/realtime.svg", LatencyPlot.Draw(results));
        Write();
    }

    /// <summary>A line of a file such as <c>/proc/cpuinfo</c>; nothing where it is not there.</summary>
    internal static string Field(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "";

    private static void Write()
    {
        JsonObject[] results = [.. Classes.All.Select(FileOf).Where(File.Exists).Select(Read)];
        File.WriteAllText($"{Folder}/README.md", Report.Markdown(results) + (File.Exists(RealTimeFile) ? RealTimeReport.Markdown(Read(RealTimeFile)) : ""));
        File.WriteAllText($"{Folder}/ratios.svg", RatioPlot.Draw(results));
    }

    private static JsonObject Read(string file) => JsonNode.Parse(File.ReadAllText(file))!.AsObject();

    private static string FileOf(WorkloadClass workloadClass) => $"{Folder}/speed-{workloadClass.Name}.json";
}
