using System.Globalization;
using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>What one domain did since the last look, as a line for the operator.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class DomainMeter(Domain domain, GuestLines lines, double weightPercent)
{
    /// <summary>The head over the lines.</summary>
    internal const string Head = "  time domain           state     cpu%  weight%     exits   wakeP99";

    private const int Percentile = 99;

    // A guest that prints nothing has to count as running some day.
    private const double LongestBootSeconds = 60;

    private readonly long[] _before = new long[LatencyHistogram.Classes];
    private readonly long[] _now = new long[LatencyHistogram.Classes];
    private long _ranBeforeNs;
    private long _exitsBefore;
    private long _ranAtMarkNs;

    /// <summary>The domain.</summary>
    internal Domain Domain => domain;

    /// <summary>Its share by weight among the vCPUs of its pool, in percent.</summary>
    internal double WeightPercent => weightPercent;

    /// <summary>Whether it still lives and has begun to speak, or had a minute to.</summary>
    internal bool IsRunning(double elapsedSeconds) => domain.Result is null && (lines.HasSpoken || elapsedSeconds >= LongestBootSeconds);

    /// <summary>Time its vCPUs ran since <see cref="Mark"/>, or since the start.</summary>
    internal long RanSinceMarkNs => RanNs - _ranAtMarkNs;

    private long RanNs => domain.Vcpus.Sum(static v => v.RanNs);

    /// <summary>Begins to measure the share.</summary>
    internal void Mark() => _ranAtMarkNs = RanNs;

    /// <summary>The line: percent of one CPU, exits and wake-up latency since the last call, <paramref name="sinceNs"/> ago.</summary>
    internal string Line(double elapsedSeconds, long sinceNs)
    {
        long ran = RanNs;
        long exits = domain.Vcpus.Sum(static v => v.ExitCount);
        string state = domain.Result is not null ? "ended" : IsRunning(elapsedSeconds) ? "running" : "booting";
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"{elapsedSeconds,6:F1} {domain.Name,-16} {state,-8} {100.0 * (ran - _ranBeforeNs) / Math.Max(sinceNs, 1),5:F1}    {weightPercent,5:F1} {exits - _exitsBefore,9} {WakeLatency(),9}");
        (_ranBeforeNs, _exitsBefore) = (ran, exits);
        return line;
    }

    private string WakeLatency()
    {
        Array.Clear(_now);
        foreach (VcpuSlot vcpu in domain.Vcpus)
        {
            vcpu.DispatchLatency.AddTo(_now);
        }

        for (int i = 0; i < _now.Length; i++)
        {
            (_now[i], _before[i]) = (_now[i] - _before[i], _now[i]);
        }

        return LatencyHistogram.TryPercentile(_now, Percentile, out long ns)
            ? string.Create(CultureInfo.InvariantCulture, $"{(ns + 999) / 1000}us")
            : "-";
    }
}
