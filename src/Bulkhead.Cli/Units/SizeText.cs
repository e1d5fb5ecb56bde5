using System.Globalization;

namespace Bulkhead.Cli.Units;

/// <summary>Sizes as an operator writes them: 512M, 1G, 64Mi, 4096.</summary>
internal static class SizeText
{
    internal const string Form = "a number and a unit of 1024s: 64K, 512M, 1G (also 512Mi, 512MiB)";

    /// <summary>Reads a size in bytes; false where the text is none, or no whole number of bytes, or too large.</summary>
    internal static bool TryParse(string text, out ulong bytes)
    {
        bytes = 0;
        int length = NumberText.LengthIn(text);
        ReadOnlySpan<char> number = text.AsSpan(0, length);
        int shift = Shift(text.AsSpan(length).Trim());
        if (shift < 0 || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value))
        {
            return false;
        }

        // A decimal holds 28 digits; anything near its limit is no size.
        if (value > ulong.MaxValue >> shift)
        {
            return false;
        }

        decimal scaled = value * (1UL << shift);
        if (scaled != decimal.Truncate(scaled))
        {
            return false;
        }

        bytes = (ulong)scaled;
        return true;
    }

    /// <summary>Writes a size with the largest unit that divides it.</summary>
    internal static string Format(ulong bytes)
    {
        ReadOnlySpan<char> units = "KMGT";
        int index = -1;
        while (bytes != 0 && index + 1 < units.Length && (bytes & 1023) == 0)
        {
            bytes >>= 10;
            index++;
        }

        string number = bytes.ToString(CultureInfo.InvariantCulture);
        return index < 0 ? number + " bytes" : number + units[index];
    }

    private static int Shift(ReadOnlySpan<char> unit)
    {
        if (unit.IsEmpty)
        {
            return 0;
        }

        ReadOnlySpan<char> tail = unit[1..];
        if (!(tail.IsEmpty || tail.Equals("i", StringComparison.Ordinal) || tail.Equals("iB", StringComparison.Ordinal) || tail.Equals("B", StringComparison.Ordinal)))
        {
            return -1;
        }

        return char.ToUpperInvariant(unit[0]) switch
        {
            'B' when tail.IsEmpty => 0,
            'K' => 10,
            'M' => 20,
            'G' => 30,
            'T' => 40,
            _ => -1,
        };
    }
}
