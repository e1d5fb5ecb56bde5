using Bulkhead.Core.Time;

namespace Bulkhead.Cli.Systems;

/// <summary>What histograms of a domain's vCPUs counted together since measuring began.</summary>
/// <remarks><i>Threading</i>: the control thread. <i>Cost</i>: while nothing is counted, a look at each one's total.</remarks>
internal sealed class MarkedHistogram(params LatencyHistogram[] histograms)
{
    private readonly long[] _atMark = new long[LatencyHistogram.Classes];
    private readonly long[] _since = new long[LatencyHistogram.Classes];
    private readonly Dictionary<double, long?> _answers = [];
    private long _total;
    private long _totalAtMark;

    /// <summary>Counts from now on.</summary>
    internal void Mark()
    {
        Count();
        MarkAnswered();
    }

    /// <summary>Counts from the last answer on: what came meanwhile is in the next.</summary>
    internal void MarkAnswered()
    {
        if (_total == _totalAtMark)
        {
            return;
        }

        _totalAtMark = _total;
        _answers.Clear();
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
        if (!_answers.TryGetValue(percent, out long? answer))
        {
            answer = LatencyHistogram.TryPercentile(_since, percent, out long ns) ? ns : null;
            _answers.Add(percent, answer);
        }

        return answer;
    }

    private void Count()
    {
        long total = 0;
        foreach (LatencyHistogram histogram in histograms)
        {
            total += histogram.Total;
        }

        if (total == _total)
        {
            return;
        }

        _total = total;
        _answers.Clear();
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
