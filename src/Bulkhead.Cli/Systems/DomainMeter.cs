using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Systems;

/// <summary>What one domain did, since the last look and since measuring began.</summary>
/// <remarks><i>Threading</i>: the control thread. <i>Cost</i>: of a domain that did not run since it was last asked, a look at how long each
/// vCPU ran, and nothing is allocated.</remarks>
internal sealed class DomainMeter(Domain domain)
{
    private readonly VcpuSlot[] _vcpus = [.. domain.Vcpus];
    private readonly MarkedHistogram _sinceLook = new([.. domain.Vcpus.Select(static v => v.DispatchLatency)]);
    private readonly MarkedHistogram _hostWake = new([.. domain.Vcpus.Select(static v => v.WakeTimes.Host)]);
    private readonly MarkedHistogram _turnEnd = new([.. domain.Vcpus.Select(static v => v.WakeTimes.TurnEnd)]);
    private readonly MarkedHistogram _entry = new([.. domain.Vcpus.Select(static v => v.WakeTimes.Entry)]);
    private readonly MarkedHistogram _switch = new([.. domain.Vcpus.Select(static v => v.WakeTimes.Switch)]);
    private (long Ns, long Turns) _ranAtLook;
    private (long Ns, long Turns) _ranAtFigures;
    private DomainFigures? _figures;
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

    /// <summary>Time its vCPUs ran since <see cref="Mark"/>, or since the start.</summary>
    internal long RanSinceMarkNs => Ran().Ns - _ranAtMarkNs;

    /// <summary>From wake-up to dispatch, since <see cref="Mark"/>.</summary>
    internal MarkedHistogram Latency { get; } = new([.. domain.Vcpus.Select(static v => v.DispatchLatency)]);

    /// <summary>What is measured since <see cref="Mark"/>, and counted since the start.</summary>
    internal DomainFigures Figures()
    {
        (long, long) ran = Ran();
        if (_figures is null || ran != _ranAtFigures)
        {
            (_figures, _ranAtFigures) = (Measure(), ran);
        }

        return _figures;
    }

    /// <summary>Measures from now on.</summary>
    internal void Mark()
    {
        _figures = null;
        _ranAtMarkNs = Ran().Ns;
        foreach (MarkedHistogram histogram in (ReadOnlySpan<MarkedHistogram>)[Latency, _hostWake, _turnEnd, _entry, _switch])
        {
            histogram.Mark();
        }
    }

    /// <summary>Looks, <paramref name="sinceNs"/> after the last time.</summary>
    internal void Look(long sinceNs)
    {
        (long Ns, long Turns) ran = Ran();
        if (ran == _ranAtLook)
        {
            (CpuPercent, Exits, WakeP99Ns, WakeMaxNs) = (0, 0, null, null);
            return;
        }

        long exits = Figures().TotalExits;
        CpuPercent = 100.0 * (ran.Ns - _ranAtLook.Ns) / Math.Max(sinceNs, 1);
        Exits = exits - _exitsAtLook;
        (_ranAtLook, _exitsAtLook) = (ran, exits);
        _sinceLook.Count();
        (WakeP99Ns, WakeMaxNs) = (_sinceLook.Counted(99), _sinceLook.Counted(100));
        _sinceLook.MarkCounted();
    }

    // A turn's waits and exits are counted before it is accounted, and until then the time it ran grows: as long as this stays the same, so
    // does all the rest.
    private (long Ns, long Turns) Ran()
    {
        (long ns, long turns) = (0, 0);
        foreach (VcpuSlot vcpu in _vcpus)
        {
            turns += vcpu.Turns;
            ns += vcpu.RanNs;
        }

        return (ns, turns);
    }

    private DomainFigures Measure()
    {
        Latency.Count();
        _hostWake.Count();
        _turnEnd.Count();
        _entry.Count();
        _switch.Count();
        return new DomainFigures
        {
            TotalExits = _vcpus.Sum(static v => v.ExitCount),
            LatencyP50Ns = Latency.Counted(50),
            LatencyP99Ns = Latency.Counted(99),
            LatencyP999Ns = Latency.Counted(99.9),
            LatencyMaxNs = Latency.Counted(100),
            HostWakeP50Ns = _hostWake.Counted(50),
            HostWakeP99Ns = _hostWake.Counted(99),
            HostWakeMaxNs = _hostWake.Counted(100),
            TurnEndP99Ns = _turnEnd.Counted(99),
            TurnEndMaxNs = _turnEnd.Counted(100),
            EntryP50Ns = _entry.Counted(50),
            EntryP99Ns = _entry.Counted(99),
            EntryMaxNs = _entry.Counted(100),
            SwitchP50Ns = _switch.Counted(50),
            SwitchP99Ns = _switch.Counted(99),
        };
    }
}
