using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>cyclictest on the host itself: what no guest here can be better than.</summary>
internal static class HostCyclictest
{
    private const string Program = "/usr/bin/cyclictest";

    /// <summary>Measures, alone or beside a busy loop on the same CPU.</summary>
    internal static JsonObject Run(Bed bed, bool busy)
    {
        if (!File.Exists(Program))
        {
            throw new BenchException("there is no cyclictest (apt-get install rt-tests)");
        }

        using LineProcess? loop = busy ? new LineProcess(bed.Pinned("sh", "-c", "while :; do :; done")) : null;
        using var test = new LineProcess([Program, "-q", "-m", "-p", "80", "-t", "1", "-a", $"{bed.Cpu}", "-i", $"{Bed.PeriodUs}", "-h", $"{Bed.HistogramUs}", "-D", $"{bed.Seconds}s"], bed.Log);
        _ = test.ToEnd(TimeSpan.FromSeconds(bed.Seconds) + Bed.Patience);
        return Distribution.OfHost(test.Lines).ToJson(bed.Expected);
    }
}
