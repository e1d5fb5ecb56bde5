using System.Globalization;

namespace Bulkhead.Cli.Units;

/// <summary>Times as an operator writes them: 60s, 500us, 2m, 1.5h.</summary>
internal static class DurationText
{
    internal const string Form = "a number and one of ns, us, ms, s, m, h: 60s, 500us, 2m";

    /// <summary>Reads a time in nanoseconds; false where the text is none, or has no unit, or is too long.</summary>
    internal static bool TryParse(string text, out long ns)
    {
        ns = 0;
        int length = NumberText.LengthIn(text);
        long unitNs = text.AsSpan(length).Trim() switch
        {
            "ns" => 1,
            "us" or "µs" => 1_000,
            "ms" => 1_000_000,
            "s" or "sec" => 1_000_000_000,
            "m" or "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => 0,
        };
        if (unitNs == 0
            || !decimal.TryParse(text.AsSpan(0, length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
            || value > long.MaxValue / unitNs)
        {
            return false;
        }

        ns = (long)(value * unitNs);
        return true;
    }
}
