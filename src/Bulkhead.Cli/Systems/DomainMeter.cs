using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Systems;

/// <summary>What one domain did, since the last look and since measuring began.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class DomainMeter(Domain domain)
{
    private readonly VcpuSlot[] _vcpus = [.. domain.Vcpus];
    private readonly MarkedHistogram _sinceLook = Of(domain, static v => v.DispatchLatency);
    private long _ranAtLookNs;
    private long _exitsAtLook;
    private long _ranAtMarkNs;

    /// <summary>Percent of one CPU between the last two looks.</summary>
    internal double CpuPercent { get; private set; }

    /// <summary>VM exits between the last two looks.</summary>
    internal long Exits { get; private set; }

    /// <summary>From wake-up to dispatch between the last two looks, what 99% did not exceed; null where there was none.</summary>
    internal long? WakeP99Ns { get; private set; }

    /// <summary>The longest of them.</summary>
    internal long? WakeMaxNs { get; private set; }

    /// <summary>VM exits in all.</summary>
    internal long TotalExits => Sum(static v => v.ExitCount);

    /// <summary>Time its vCPUs ran since <see cref="Mark"/>, or since the start.</summary>
    internal long RanSinceMarkNs => RanNs - _ranAtMarkNs;

    private long RanNs => Sum(static v => v.RanNs);

    /// <summary>From wake-up to dispatch, since <see cref="Mark"/>.</summary>
    internal MarkedHistogram Latency { get; } = Of(domain, static v => v.DispatchLatency);

    /// <summary>Of that, what the host took to wake the worker.</summary>
    internal MarkedHistogram HostWake { get; } = Of(domain, static v => v.WakeTimes.Host);

    /// <summary>Or until the turn of another was over.</summary>
    internal MarkedHistogram TurnEnd { get; } = Of(domain, static v => v.WakeTimes.TurnEnd);

    /// <summary>From there to the guest's first instruction.</summary>
    internal MarkedHistogram Entry { get; } = Of(domain, static v => v.WakeTimes.Entry);

    /// <summary>From another vCPU's last instruction to its first.</summary>
    internal MarkedHistogram Switch { get; } = Of(domain, static v => v.WakeTimes.Switch);

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
        (WakeP99Ns, WakeMaxNs) = (_sinceLook.Ns(99), _sinceLook.Ns(100));
        _sinceLook.MarkAnswered();
    }

    // Of an array by itself nothing is allocated, each second for each domain.
    private long Sum(Func<VcpuSlot, long> of)
    {
        long sum = 0;
        foreach (VcpuSlot vcpu in _vcpus)
        {
            sum += of(vcpu);
        }

        return sum;
    }

    private static MarkedHistogram Of(Domain domain, Func<VcpuSlot, LatencyHistogram> histogram) => new([.. domain.Vcpus.Select(histogram)]);
}
