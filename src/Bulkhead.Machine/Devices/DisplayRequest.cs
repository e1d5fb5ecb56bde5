using System.Globalization;
using Bulkhead.Devices.Display;

namespace Bulkhead.Machine.Devices;

/// <summary>A display, and a keyboard in front of it, that a domain is to have.</summary>
/// <param name="Width">Pixels in a line.</param>
/// <param name="Height">Lines.</param>
public sealed record DisplayRequest(int Width, int Height)
{
    /// <summary>How it is written.</summary>
    public const string Form = "WIDTHxHEIGHT";

    /// <summary>One that nobody said anything of.</summary>
    public static readonly DisplayRequest Default = new(1024, 768);

    /// <summary>What is accepted, in words.</summary>
    internal static readonly string Accepted = string.Create(
        CultureInfo.InvariantCulture,
        $"{Form}, as in 1024x768: a width from {DisplayLimits.LeastWidth} to {DisplayLimits.MostWidth} in steps of 8, a height from {DisplayLimits.LeastHeight} to {DisplayLimits.MostHeight}");

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Width}x{Height}");

    /// <summary>Reads it.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static DisplayRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('x');
        bool right = parts.Length == 2
            & TryNumber(parts[0], DisplayLimits.LeastWidth, DisplayLimits.MostWidth, out int width)
            & TryNumber(parts[^1], DisplayLimits.LeastHeight, DisplayLimits.MostHeight, out int height)
            && width % 8 == 0;
        error = right ? null : $"is not a size of a display; write {Accepted}.";
        return right ? new DisplayRequest(width, height) : null;
    }

    private static bool TryNumber(string text, int least, int most, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= least && number <= most;
}
