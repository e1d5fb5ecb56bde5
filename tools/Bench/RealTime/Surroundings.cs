using System.Globalization;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>What else went on at a moment.</summary>
/// <param name="Load">The load average of the last minute.</param>
/// <param name="StolenTicks">Time the host's own host took from the CPU.</param>
/// <param name="Ticks">Time in all.</param>
internal readonly record struct Surroundings(double Load, long StolenTicks, long Ticks)
{
    // /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
    private const int Fields = 8;

    internal static Surroundings Look(int cpu)
    {
        double load = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
        string[] words = File.ReadLines("/proc/stat").First(l => l.StartsWith($"cpu{cpu} ", StringComparison.Ordinal)).Split(' ');
        long[] ticks = [.. words.Skip(1).Take(Fields).Select(static w => long.Parse(w, CultureInfo.InvariantCulture))];
        return new Surroundings(load, ticks[^1], ticks.Sum());
    }

    /// <summary>Says what went on since an earlier look.</summary>
    internal void AddTo(JsonObject result, Surroundings before)
    {
        result["loadBefore"] = before.Load;
        result["loadAfter"] = Load;
        result["stolenPercent"] = Math.Round(100.0 * (StolenTicks - before.StolenTicks) / Math.Max(Ticks - before.Ticks, 1), 2);
    }
}
