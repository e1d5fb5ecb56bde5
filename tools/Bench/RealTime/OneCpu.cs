using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>Whether a system boots and runs when all its threads have one CPU and real-time priority.</summary>
internal static class OneCpu
{
    private const string Priority = "50";

    /// <summary>Runs the example as it is.</summary>
    internal static JsonObject Run(Bed bed)
    {
        using RunningSystem system = RunningSystem.Start(bed, ["chrt", "-f", Priority, .. bed.Pinned(RunningSystem.Command(SystemFiles.Example, "--duration", "10s", "--grace", "15s"))]);
        int exitCode = system.ToEnd(Bed.Patience);
        string summary = system.LinesOf("control").LastOrDefault(static l => l.Contains("summary", StringComparison.Ordinal)) ?? "";
        int burned = system.LinesOf("infotainment").Count(static l => l.Contains(SystemFiles.Burning, StringComparison.Ordinal));
        return new JsonObject
        {
            ["works"] = exitCode == 0 && summary.Length > 0 && burned > 0,
            ["exitCode"] = exitCode,
            ["summary"] = summary,
            ["burnLines"] = burned,
        };
    }
}
