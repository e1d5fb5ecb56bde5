using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench;

/// <summary>The few figures a table of benchmarks needs.</summary>
internal static class Statistics
{
    /// <summary>The middle value; of an even number, the mean of the two. NaN of none.</summary>
    internal static double Median(IReadOnlyCollection<double> values)
    {
        double[] sorted = [.. values.Order()];
        int half = sorted.Length / 2;
        return sorted.Length == 0 ? double.NaN : sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /// <summary>The geometric mean of what is a number; NaN of none.</summary>
    internal static double GeometricMean(IEnumerable<double> values)
    {
        double[] logs = [.. values.Where(v => !double.IsNaN(v)).Select(static v => Math.Log(v))];
        return logs.Length == 0 ? double.NaN : Math.Exp(logs.Average());
    }

    /// <summary>A value to three decimals; null of what is no number.</summary>
    internal static JsonNode? Json(double value) => double.IsNaN(value) ? null : Math.Round(value, 3);
}
