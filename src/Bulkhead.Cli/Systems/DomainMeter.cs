using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Systems;

/// <summary>What one domain did, since the last look and since measuring began.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class DomainMeter(Domain domain)
{
    private readonly long[] _now = new long[LatencyHistogram.Classes];
    private readonly long[] _atLook = new long[LatencyHistogram.Classes];
    private readonly long[] _sinceLook = new long[LatencyHistogram.Classes];
    private long _ranAtLookNs;
    private long _exitsAtLook;
    private long _ranAtMarkNs;

    /// <summary>Percent of one CPU between the last two looks.</summary>
    internal double CpuPercent { get; private set; }

    /// <summary>VM exits between the last two looks.</summary>
    internal long Exits { get; private set; }

    /// <summary>VM exits in all.</summary>
    internal long TotalExits => domain.Vcpus.Sum(static v => v.ExitCount);

    /// <summary>Time its vCPUs ran since <see cref="Mark"/>, or since the start.</summary>
    internal long RanSinceMarkNs => RanNs - _ranAtMarkNs;

    private long RanNs => domain.Vcpus.Sum(static v => v.RanNs);

    /// <summary>From wake-up to dispatch, since <see cref="Mark"/>.</summary>
    internal MarkedHistogram Latency { get; } = new(domain, static v => v.DispatchLatency);

    /// <summary>Of that, what the host took to wake the worker.</summary>
    internal MarkedHistogram HostWake { get; } = new(domain, static v => v.WakeTimes.Host);

    /// <summary>Or until the turn of another was over.</summary>
    internal MarkedHistogram TurnEnd { get; } = new(domain, static v => v.WakeTimes.TurnEnd);

    /// <summary>From there to the guest's first instruction.</summary>
    internal MarkedHistogram Entry { get; } = new(domain, static v => v.WakeTimes.Entry);

    /// <summary>From another vCPU's last instruction to its first.</summary>
    internal MarkedHistogram Switch { get; } = new(domain, static v => v.WakeTimes.Switch);

    /// <summary>Measures from now on.</summary>
    internal void Mark()
    {
        _ranAtMarkNs = RanNs;
        foreach (MarkedHistogram histogram in (ReadOnlySpan<MarkedHistogram>)[Latency, HostWake, TurnEnd, Entry, Switch])
        {
            histogram.Mark();
        }
    }

    /// <summary>Looks, <paramref name="sinceNs"/> after the last time.</summary>
    internal void Look(long sinceNs)
    {
        long ran = RanNs;
        long exits = TotalExits;
        CpuPercent = 100.0 * (ran - _ranAtLookNs) / Math.Max(sinceNs, 1);
        Exits = exits - _exitsAtLook;
        (_ranAtLookNs, _exitsAtLook) = (ran, exits);
        Count();
        for (int i = 0; i < _now.Length; i++)
        {
            _sinceLook[i] = _now[i] - _atLook[i];
        }

        _now.CopyTo(_atLook, 0);
    }

    /// <summary>The time from wake-up to dispatch that so many percent did not exceed between the last two looks; null where there was none.</summary>
    internal long? WakeNs(double percent) => LatencyHistogram.TryPercentile(_sinceLook, percent, out long ns) ? ns : null;

    private void Count()
    {
        Array.Clear(_now);
        foreach (VcpuSlot vcpu in domain.Vcpus)
        {
            vcpu.DispatchLatency.AddTo(_now);
        }
    }
}
