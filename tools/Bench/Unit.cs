using System.Globalization;

namespace Bulkhead.Tools.Bench;

/// <summary>What a class's figures are shown in; they are kept in nanoseconds.</summary>
/// <param name="Name">As it stands in the heads of tables.</param>
/// <param name="Of">Turns nanoseconds into it.</param>
internal sealed record Unit(string Name, Func<double, double> Of)
{
    internal static readonly Unit Milliseconds = new("ms", static ns => ns / 1e6);

    internal static readonly Unit Nanoseconds = new("ns", static ns => ns);

    /// <summary>Millions a second, of what takes so many nanoseconds each.</summary>
    internal static readonly Unit MillionsPerSecond = new("M/s", static ns => 1e3 / ns);

    /// <summary>The median; "-" where it is not supported, nothing where it was not measured.</summary>
    internal string Text(Measurement? m) => m is null ? "" : m.Nanoseconds.Count == 0 ? "-" : Text(m.Median);

    /// <summary>The least and the most.</summary>
    internal string Spread(Measurement? m)
    {
        double[] values = m is null ? [] : [.. m.Nanoseconds.Select(Of).Order()];
        return values.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{values[0]:F1}-{values[^1]:F1}");
    }

    private string Text(double nanoseconds) => Of(nanoseconds).ToString("F1", CultureInfo.InvariantCulture);
}
