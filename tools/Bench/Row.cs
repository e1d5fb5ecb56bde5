namespace Bulkhead.Tools.Bench;

/// <summary>A workload and what it took at each place; null where it was not run, or failed.</summary>
internal sealed record Row(Workload Workload, Measurement? Native, Measurement? Bulkhead, Measurement? Qemu)
{
    /// <summary>Bulkhead's time by the host's own.</summary>
    internal double ToNative => Ratio(Bulkhead, Native);

    /// <summary>QEMU's time by the host's own.</summary>
    internal double QemuToNative => Ratio(Qemu, Native);

    /// <summary>QEMU's time by Bulkhead's.</summary>
    internal double AheadOfQemu => Ratio(Qemu, Bulkhead);

    /// <summary>Whether all that ran computed the same.</summary>
    internal bool Agrees => new[] { Native, Bulkhead, Qemu }.Where(m => m?.Nanoseconds.Count > 0).Select(m => m!.Sum).Distinct().Count() <= 1;

    private static double Ratio(Measurement? a, Measurement? b) =>
        a?.Nanoseconds.Count > 0 && b?.Nanoseconds.Count > 0 ? a.Milliseconds / b.Milliseconds : double.NaN;
}
