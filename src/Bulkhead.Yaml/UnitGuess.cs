using Bulkhead.Core;
using Bulkhead.Host;

namespace Bulkhead.Yaml;

/// <summary>Guesses what a size or time without a proper unit was meant to be.</summary>
internal static class UnitGuess
{
    private static readonly string[] s_times = ["ns", "us", "ms", "s", "m", "h"];

    public static string? Size(string text)
    {
        (string number, string unit) = Split(text);
        string prefix = unit.Length == 0 ? "M" : unit[..1].ToUpperInvariant();
        string guess = $"{number}{prefix}i";
        return guess != text && Quantity.TryParseSize(guess, out _) ? guess : null;
    }

    public static string? Duration(string text)
    {
        (string number, string unit) = Split(text);
        string? nearest = unit.ToLowerInvariant() switch
        {
            "" => "ms",
            "sec" or "secs" or "second" or "seconds" => "s",
            "msec" or "msecs" => "ms",
            "usec" or "usecs" => "us",
            "min" or "mins" or "minute" or "minutes" => "m",
            string other => NearestName.Find(other, s_times),
        };
        return Quantity.TryParseDuration(number + nearest, out _) ? number + nearest : null;
    }

    private static (string Number, string Unit) Split(string text)
    {
        int end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
        {
            end++;
        }

        return (text[..end], text[end..].Trim());
    }
}
