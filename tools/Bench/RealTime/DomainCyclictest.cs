using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>cyclictest in a domain on Bulkhead: what the guest sees, and what the scheduler says of the same time.</summary>
internal static class DomainCyclictest
{
    // After cyclictest comes the sorting of its histogram, which is no real-time work.
    private const int SecondsBeforeEnd = 3;
    private const int GraceSeconds = 120;
    private const long DiskBytes = 1L << 30;
    private const string Control = "control";

    /// <summary>Beside a domain that burns, on the same CPU.</summary>
    internal static JsonObject Beside(Bed bed, bool realTime) => Run(bed, SystemFiles.Mixed(File.ReadAllText(SystemFiles.Example), realTime, Bed.HistogramUs));

    /// <summary>Beside two that saturate disk and network, on the same CPU.</summary>
    internal static JsonObject BesideTraffic(Bed bed)
    {
        string disk = Path.GetFullPath(Path.Combine(Bed.Folder, "realtime-disk.img"));
        using (FileStream file = File.Create(disk))
        {
            file.SetLength(DiskBytes);
        }

        try
        {
            return Run(bed, SystemFiles.Saturated(File.ReadAllText(SystemFiles.Example), disk, Bed.HistogramUs));
        }
        finally
        {
            File.Delete(disk);
        }
    }

    /// <summary>With the CPU for itself.</summary>
    internal static JsonObject Alone(Bed bed) => Run(bed, SystemFiles.Alone(Bed.HistogramUs));

    private static JsonObject Run(Bed bed, string text)
    {
        using RunningSystem system = RunningSystem.StartText(bed, text, "--duration", $"{bed.Seconds}s", "--grace", $"{GraceSeconds}s");
        system.UntilLine(Control, SystemFiles.Measuring, 2 * Bed.Patience);
        JsonObject status = system.StatusAfter(TimeSpan.FromSeconds(bed.Seconds - SecondsBeforeEnd));
        IReadOnlyList<string> why = RunningSystem.Ask("why", Control);

        // Not to the end: the other domain lets the grace pass.
        system.UntilLine(Control, "cyclictest: summary", TimeSpan.FromSeconds(SecondsBeforeEnd + GraceSeconds));

        JsonObject result = Distribution.OfGuest(system.LinesOf(Control)).ToJson(bed.Expected);
        JsonObject domain = RunningSystem.DomainOf(status, Control);
        var dispatch = new JsonObject();
        foreach (string field in (string[])["latencyP50Ns", "latencyP99Ns", "latencyP999Ns", "latencyMaxNs", "levelBoundNs", "worstBoundNs", "sharePercent", .. RealTimeReport.EntryFields])
        {
            dispatch[field] = domain[field]?.DeepClone();
        }

        result["dispatch"] = dispatch;
        result["why"] = new JsonArray([.. why.Select(static l => JsonValue.Create(l))]);
        result["notes"] = new JsonArray([.. system.Records.Where(static r => (string?)r["type"] == "note").Select(static r => r["text"]!.DeepClone())]);
        return result;
    }
}
