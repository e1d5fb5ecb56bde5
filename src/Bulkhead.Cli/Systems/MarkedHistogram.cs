using Bulkhead.Core.Time;

namespace Bulkhead.Cli.Systems;

/// <summary>What histograms of a domain's vCPUs counted together since measuring began.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class MarkedHistogram(params LatencyHistogram[] histograms)
{
    private readonly long[] _atMark = new long[LatencyHistogram.Classes];
    private readonly long[] _since = new long[LatencyHistogram.Classes];

    /// <summary>Counts from now on.</summary>
    internal void Mark()
    {
        Count();
        MarkCounted();
    }

    /// <summary>Counts from the last <see cref="Ns"/> or <see cref="Count"/> on: what came meanwhile is in the next.</summary>
    internal void MarkCounted()
    {
        for (int i = 0; i < _since.Length; i++)
        {
            _atMark[i] += _since[i];
            _since[i] = 0;
        }
    }

    /// <summary>What so many percent did not exceed; null where there was none.</summary>
    internal long? Ns(double percent)
    {
        Count();
        return Counted(percent);
    }

    /// <summary>The same of what is counted already.</summary>
    internal long? Counted(double percent) => LatencyHistogram.TryPercentile(_since, percent, out long ns) ? ns : null;

    /// <summary>Counts what came.</summary>
    internal void Count()
    {
        Array.Clear(_since);
        foreach (LatencyHistogram histogram in histograms)
        {
            histogram.AddTo(_since);
        }

        for (int i = 0; i < _since.Length; i++)
        {
            _since[i] -= _atMark[i];
        }
    }
}
