using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Systems;

/// <summary>What a histogram of a domain's vCPUs counted since measuring began.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class MarkedHistogram(Domain domain, Func<VcpuSlot, LatencyHistogram> histogram)
{
    private readonly long[] _atMark = new long[LatencyHistogram.Classes];
    private readonly long[] _since = new long[LatencyHistogram.Classes];

    /// <summary>Counts from now on.</summary>
    internal void Mark() => Count(_atMark);

    /// <summary>What so many percent did not exceed; null where there was none.</summary>
    internal long? Ns(double percent)
    {
        Count(_since);
        for (int i = 0; i < _since.Length; i++)
        {
            _since[i] -= _atMark[i];
        }

        return LatencyHistogram.TryPercentile(_since, percent, out long ns) ? ns : null;
    }

    private void Count(long[] counts)
    {
        Array.Clear(counts);
        foreach (VcpuSlot vcpu in domain.Vcpus)
        {
            histogram(vcpu).AddTo(counts);
        }
    }
}
