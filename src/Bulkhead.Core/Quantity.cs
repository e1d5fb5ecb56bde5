using System.Buffers;
using System.Globalization;

namespace Bulkhead.Core;

/// <summary>Reads sizes (<c>512M</c>, <c>64Mi</c>) and durations (<c>50ms</c>, <c>1h30m</c>) as operators write them.</summary>
/// <remarks>
/// <i>Shape</i>: a number without sign or exponent, with a decimal point if wanted, then a unit with no space between.
/// Decimals are exact: a value that is not a whole number of bytes or nanoseconds is refused, not rounded.
/// A unit of sizes is by 1024 always: guest RAM is never meant by 1000 (unlike in Kubernetes).
/// <i>Source</i>: Go, package time, ParseDuration (durations).
/// </remarks>
public static class Quantity
{
    private const string NumberPattern = @"[0-9]+(\.[0-9]+)?";

    private static readonly SearchValues<char> s_number = SearchValues.Create("0123456789.");

    private static readonly (string Name, decimal Bytes)[] s_sizes =
    [
        ("", 1), ("B", 1),
        ("Ki", 1L << 10), ("Mi", 1L << 20), ("Gi", 1L << 30), ("Ti", 1L << 40),
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30), ("T", 1L << 40),
        ("KB", 1L << 10), ("MB", 1L << 20), ("GB", 1L << 30), ("TB", 1L << 40),
    ];

    private static readonly (string Name, decimal Ns)[] s_durations =
    [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ];

    /// <summary>What <see cref="TryParseSize"/> accepts, for messages.</summary>
    public static string SizeForm => "a size such as 512M or 2G (K, M, G, T by 1024; also Ki, Mi, Gi, Ti)";

    /// <summary>What <see cref="TryParseDuration"/> accepts, for messages.</summary>
    public static string DurationForm => "a time such as 500us, 50ms or 1.5s (ns, us, ms, s, m, h)";

    /// <summary>A regular expression of what <see cref="TryParseSize"/> accepts.</summary>
    public static string SizePattern => $"^{NumberPattern}({Units(s_sizes)})?$";

    /// <summary>A regular expression of what <see cref="TryParseDuration"/> accepts, but for the lone <c>0</c>.</summary>
    public static string DurationPattern => $"^({NumberPattern}({Units(s_durations)}))+$";

    /// <summary>Reads a size in bytes: <c>K M G T</c>, with <c>i</c> or <c>B</c> if wanted, by 1024; none or <c>B</c> for bytes.</summary>
    public static bool TryParseSize(string text, out ulong bytes)
    {
        bytes = 0;
        return TryTake(text, s_sizes, out decimal value, out ReadOnlySpan<char> rest)
            && rest.IsEmpty
            && TryWhole(value, ulong.MaxValue, out bytes);
    }

    /// <summary>Reads a duration in nanoseconds; only <c>0</c> needs no unit, and units may follow one another (<c>1m30s</c>).</summary>
    public static bool TryParseDuration(string text, out long ns)
    {
        ns = 0;
        if (text == "0")
        {
            return true;
        }

        ReadOnlySpan<char> rest = text;
        decimal total = 0;
        do
        {
            if (!TryTake(rest, s_durations, out decimal part, out rest) || part > long.MaxValue)
            {
                return false;
            }

            total += part;
        }
        while (!rest.IsEmpty);

        bool whole = TryWhole(total, long.MaxValue, out ulong value);
        ns = (long)value;
        return whole;
    }

    /// <summary>Writes a duration in the largest unit that leaves it a short decimal: <c>50ms</c>, <c>1.5s</c>.</summary>
    public static string FormatDuration(long ns)
    {
        (string unit, decimal size) = ns switch
        {
            0 => ("", 1),
            < 1_000 => ("ns", 1),
            < 1_000_000 => ("us", 1_000),
            < 1_000_000_000 => ("ms", 1_000_000),
            _ => ("s", 1_000_000_000m),
        };
        return (ns / size).ToString("0.#########", CultureInfo.InvariantCulture) + unit;
    }

    /// <summary>Writes a size in the largest unit by 1024 that divides it: <c>256Mi</c>.</summary>
    public static string FormatSize(ulong bytes)
    {
        ReadOnlySpan<string> units = ["", "Ki", "Mi", "Gi", "Ti"];
        int unit = 0;
        while (unit < units.Length - 1 && bytes != 0 && bytes % 1024 == 0)
        {
            bytes /= 1024;
            unit++;
        }

        return bytes.ToString(CultureInfo.InvariantCulture) + units[unit];
    }

    private static string Units((string Name, decimal Size)[] units) => string.Join('|', units.Select(static u => u.Name).Where(static n => n.Length > 0));

    // One number and its unit off the front. The unit runs to the next digit, so that "1m30s" is two of them.
    private static bool TryTake(
        ReadOnlySpan<char> text, (string Name, decimal Size)[] units, out decimal value, out ReadOnlySpan<char> rest)
    {
        int digits = text.IndexOfAnyExcept(s_number);
        ReadOnlySpan<char> number = digits < 0 ? text : text[..digits];
        rest = text[number.Length..];
        int unitLength = rest.IndexOfAny(s_number);
        ReadOnlySpan<char> unit = unitLength < 0 ? rest : rest[..unitLength];
        rest = rest[unit.Length..];
        value = 0;

        // Beyond 20 digits a decimal would round, or overflow when multiplied.
        if (number.Length is 0 or > 20 || number[0] == '.' || number[^1] == '.'
            || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal amount))
        {
            return false;
        }

        foreach ((string name, decimal size) in units)
        {
            if (unit.SequenceEqual(name))
            {
                return TryMultiply(amount, size, out value);
            }
        }

        return false;
    }

    private static bool TryMultiply(decimal amount, decimal size, out decimal value)
    {
        // Both limits of the callers are below this, and the product then has at most 28 digits before the point.
        bool fits = amount <= ulong.MaxValue / size;
        value = fits ? amount * size : 0;
        return fits;
    }

    private static bool TryWhole(decimal value, decimal limit, out ulong whole)
    {
        bool ok = value <= limit && decimal.Truncate(value) == value;
        whole = ok ? (ulong)value : 0;
        return ok;
    }
}
