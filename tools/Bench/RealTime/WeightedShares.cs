using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>Whether two domains that always want to run get what their weights give them.</summary>
internal static class WeightedShares
{
    private const int Seconds = 10;
    private const double MostDeviationPercent = 1;
    private static readonly int[] s_weights = [1, 2, 3];

    /// <summary>Measures several pairs of weights.</summary>
    internal static JsonObject Run(Bed bed) => new()
    {
        ["seconds"] = Seconds,
        ["mostDeviationPercent"] = MostDeviationPercent,
        ["rows"] = new JsonArray([.. s_weights.Select(weight => Run(bed, weight))]),
    };

    private static JsonObject Run(Bed bed, int weight)
    {
        using RunningSystem system = RunningSystem.StartText(bed, SystemFiles.Burners(1, weight));

        // Measuring begins at the first status in which the control domain is ready.
        _ = system.Until(static r => (string?)r["type"] == "status" && (string?)RunningSystem.DomainOf(r, "a")["state"] == "running", 2 * Bed.Patience);
        JsonObject status = system.StatusAfter(TimeSpan.FromSeconds(Seconds));
        JsonObject a = RunningSystem.DomainOf(status, "a");
        double share = (double)a["sharePercent"]!;
        double entitled = (double)a["weightPercent"]!;

        // Of what it is entitled to.
        double deviation = 100 * Math.Abs(share - entitled) / entitled;
        return new JsonObject
        {
            ["weights"] = $"1:{weight}",
            ["sharePercent"] = Math.Round(share, 3),
            ["weightPercent"] = Math.Round(entitled, 3),
            ["deviationPercent"] = Math.Round(deviation, 3),
            ["within"] = deviation <= MostDeviationPercent,
        };
    }
}
