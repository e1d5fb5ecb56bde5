using System.Globalization;
using Bulkhead.Tools.Bench.Runners;

namespace Bulkhead.Tools.Bench;

/// <summary>What a workload took at one place: the times of its repetitions, and what it computed.</summary>
/// <param name="Nanoseconds">Empty where it is not supported.</param>
/// <param name="Sum">The same everywhere, or the run is wrong.</param>
/// <param name="BytesPerInstruction">Of translated code, host bytes held for each guest instruction; NaN where that is not asked.</param>
internal sealed record Measurement(IReadOnlyList<double> Nanoseconds, string Sum, double BytesPerInstruction = double.NaN)
{
    /// <summary>The median, in nanoseconds.</summary>
    internal double Median => Statistics.Median([.. Nanoseconds]);

    /// <summary>The samples of a workload; null of none.</summary>
    internal static Measurement? Of(IEnumerable<Sample> samples)
    {
        Sample[] all = [.. samples];
        return all.Length == 0 ? null : new Measurement(
            [.. all.Select(s => s.Nanoseconds).OfType<double>()], "", Statistics.Median([.. all.Select(s => s.BytesPerInstruction).OfType<double>()]));
    }

    /// <summary>Reads the lines <c>bench NAME NANOSECONDS SUM</c> of one workload.</summary>
    /// <exception cref="FormatException">They are of another form, or the sums differ.</exception>
    internal static Measurement Parse(IEnumerable<string> lines)
    {
        var times = new List<double>();
        string sum = "";
        foreach (string[] words in lines.Select(l => l.Trim().Split(' ')).Where(w => w[0] == "bench"))
        {
            if (words is [_, _, "unsupported"])
            {
                return new Measurement([], "");
            }

            if (words.Length != 4 || !long.TryParse(words[2], CultureInfo.InvariantCulture, out long time) || (sum.Length > 0 && sum != words[3]))
            {
                throw new FormatException($"'{string.Join(' ', words)}' after the sum '{sum}'");
            }

            times.Add(time);
            sum = words[3];
        }

        return times.Count > 0 ? new Measurement(times, sum) : throw new FormatException("no result");
    }
}
