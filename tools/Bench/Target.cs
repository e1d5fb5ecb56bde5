using System.Globalization;

namespace Bulkhead.Tools.Bench;

/// <summary>What a class is to reach.</summary>
/// <param name="Text">In words.</param>
/// <param name="IsMet">Whether these rows reach it.</param>
internal sealed record Target(string Text, Func<IReadOnlyList<Row>, bool> IsMet)
{
    /// <summary>In the geometric mean, at most so many times the host's own time.</summary>
    internal static Target ToNative(double most) => new(Invariant($"at most {most:0.00}x"), rows => Row.ToNativeMean(rows) <= most);

    /// <summary>In the geometric mean, so many times faster than QEMU.</summary>
    internal static Target AheadOfQemu(double least) => new(Invariant($"at least {least:0.00}x QEMU"), rows => Row.AheadOfQemuMean(rows) >= least);

    /// <summary>Each row, so many times faster than QEMU.</summary>
    internal static Target EachAheadOfQemu(double least) =>
        new(Invariant($"at least {least:0.00}x QEMU on every row"), rows => rows.All(r => r.AheadOfQemu >= least));

    /// <summary>Each row at most so many nanoseconds; the text says them in the class's unit.</summary>
    internal static Target Within(double nanoseconds, string text) => new(text, rows => rows.All(r => r.Bulkhead?.Median <= nanoseconds));

    /// <summary>The text, and whether it is met.</summary>
    internal string Verdict(IReadOnlyList<Row> rows) => IsMet(rows) ? $"{Text} (met)" : Text;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
