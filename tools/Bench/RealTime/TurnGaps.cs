using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>What lies between the turns of two vCPUs that take turns as fast as they may.</summary>
/// <remarks>
/// From the clock's reading at the end of a turn to the reading before the next one: charging, the record, deadlines, the pick.
/// Entering and leaving the guest and its warm caches are not in it.
/// </remarks>
internal static class TurnGaps
{
    private const string Allowance = "10us";

    /// <summary>Measures by a trace of a second.</summary>
    internal static JsonObject Run(Bed bed)
    {
        using RunningSystem system = RunningSystem.StartText(bed, SystemFiles.Burners(1, 1, Allowance));
        _ = system.Until(static r => (string?)r["type"] == "status" && (string?)RunningSystem.DomainOf(r, "a")["state"] == "running", 2 * Bed.Patience);
        string file = Path.Combine(Bed.Folder, "turns.json");
        IReadOnlyList<string> said = RunningSystem.Ask("trace", "-o", file, "--duration", "1s");
        if (!File.Exists(file))
        {
            throw new BenchException($"no trace: {string.Join(" / ", said)}");
        }

        (double[] gaps, double[] turns) = Read(JsonNode.Parse(File.ReadAllText(file))!.AsArray());
        File.Delete(file);
        return new JsonObject
        {
            ["allowance"] = Allowance,
            ["switches"] = gaps.Length,
            ["turnP50Us"] = Part(turns, 0.5),
            ["gapP50Ns"] = Part(gaps, 0.5) * 1000,
            ["gapP99Ns"] = Part(gaps, 0.99) * 1000,
        };
    }

    /// <summary>The times between turns of different vCPUs on one host CPU, and the turns, in microseconds, ascending.</summary>
    internal static (double[] Gaps, double[] Turns) Read(JsonArray trace)
    {
        var gaps = new List<double>();
        (string? Name, double Start, double Length)[] turns = [.. trace
            .Where(static e => (string?)e!["cat"] == "turn" && (int)e["pid"]! == 0)
            .Select(static e => ((string?)e!["name"], (double)e["ts"]!, (double)e["dur"]!))
            .OrderBy(static t => t.Item2)];
        foreach (((string? Name, double Start, double Length) turn, (string? Name, double Start, double Length) next) in turns.Zip(turns.Skip(1)))
        {
            if (turn.Name != next.Name)
            {
                gaps.Add(next.Start - turn.Start - turn.Length);
            }
        }

        return ([.. gaps.Order()], [.. turns.Select(static t => t.Length).Order()]);
    }

    private static double Part(double[] ascending, double part) =>
        ascending.Length == 0 ? throw new BenchException("the trace has no turns") : Math.Round(ascending[(int)(part * (ascending.Length - 1))], 3);
}
