using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Systems;

/// <summary>A domain under the operator's care: started when what it depends on is ready, watched, started again by its policy.</summary>
/// <remarks><i>Threading</i>: the control thread. <i>Units</i>: times are CLOCK_MONOTONIC in nanoseconds.</remarks>
internal sealed class ManagedDomain
{
    // A guest that prints nothing has to count as ready some day.
    private const long LongestBootNs = 60_000_000_000;
    private const long WatchNs = 250_000_000;

    private readonly Action<string> _say;
    private readonly bool _keepsRam;
    private DomainResult? _failedStart;
    private bool _up;
    private bool _started;
    private bool _again;
    private int _inARow;
    private long _changedNs;
    private long _watchNs;
    private long? _restartNs;
    private long? _killNs;
    private long? _pressNs;
    private (int Code, string Words) _kill;

    internal ManagedDomain(DomainConfig config, Domain domain, GuestConsole console, ISystemView view, long nowNs, bool keepsRam = false)
    {
        Config = config;
        Domain = domain;
        Console = console;
        _say = view.Note;
        _keepsRam = keepsRam;
        _changedNs = nowNs;
        Lines = new GuestLines(console.Log, text => view.Line(config.Name, text));
        Meter = new DomainMeter(domain);
        var serial = new DomainConsole(DomainConsole.Serial, console.Log, domain.SendInput);
        Consoles = console.Virtio is { } log ? [serial, new DomainConsole(DomainConsole.Virtio, log, domain.SendConsoleInput, domain.ResizeConsole)] : [serial];
    }

    /// <summary>What the file says of it, with what the operator changed since.</summary>
    internal DomainConfig Config { get; set; }

    /// <summary>The machine.</summary>
    internal Domain Domain { get; }

    /// <summary>Its serial port.</summary>
    internal GuestConsole Console { get; }

    /// <summary>Where an operator can look on and type; the serial port first.</summary>
    internal IReadOnlyList<DomainConsole> Consoles { get; }

    /// <summary>Its output in lines.</summary>
    internal GuestLines Lines { get; }

    /// <summary>What it does.</summary>
    internal DomainMeter Meter { get; }

    /// <summary>How often it was started again.</summary>
    internal int Restarts { get; private set; }

    /// <summary>How its last life ended; null where none did.</summary>
    internal DomainResult? LastResult { get; private set; }

    /// <summary>Whether that life ended before the guest ran, since something was missing.</summary>
    internal bool EndedBeforeStart { get; private set; }

    /// <summary>Whether the operator ended it, or the system.</summary>
    internal bool WasStopped { get; private set; }

    /// <summary>Whether those that depend on it may start: it was ready once, or ended in good order before anybody saw that.</summary>
    internal bool WasReady { get; private set; }

    /// <summary>Whether it ended for good without having been ready, or will not start; not by the operator's will.</summary>
    internal bool IsLost => !IsWanted && !WasReady && !WasStopped;

    /// <summary>Who was lost, so that this one does not start; null where there is none.</summary>
    internal ManagedDomain? Obstacle { get; private set; }

    /// <summary>How its last life ended, or that of who kept it from starting; null where it has not ended.</summary>
    internal DomainResult? Outcome => LastResult ?? Obstacle?.Outcome;

    /// <summary>Whether it is on.</summary>
    internal bool IsUp => _up;

    /// <summary>Whether it is on, or will be.</summary>
    internal bool IsWanted => _up || _restartNs is not null || (!_started && Obstacle is null);

    /// <summary>When it was started for the first time; null where it was not.</summary>
    internal long? FirstStartNs { get; private set; }

    /// <summary>What others may wait for: whether it is on, will be, and was ready.</summary>
    internal (bool Up, bool Wanted, bool Ready) Standing => (_up, IsWanted, WasReady);

    /// <summary>When <see cref="Advance"/> has something to do, if the guest does nothing before.</summary>
    internal long DueNs
    {
        get
        {
            if (!_up)
            {
                return _restartNs ?? long.MaxValue;
            }

            long due = _failedStart is not null ? 0 : Math.Min(_pressNs ?? long.MaxValue, _killNs ?? long.MaxValue);
            due = WasReady || Config.ReadyText is not null ? due : Math.Min(due, _changedNs + LongestBootNs);
            return Config.WatchdogNs == 0 || Domain.IsPaused ? due : Math.Min(due, _watchNs);
        }
    }

    /// <summary>How long it has been in this life, or since its end; before the first life, since the system's start.</summary>
    internal long SinceNs(long nowNs) => nowNs - _changedNs;

    /// <summary>Its state.</summary>
    internal DomainState State(long nowNs) =>
        !_started ? DomainState.Waiting
        : _restartNs is not null ? DomainState.Restarting
        : !_up ? DomainState.Exited
        : _killNs is not null ? DomainState.Stopping
        : Domain.IsPaused ? DomainState.Paused
        : IsReady(nowNs) ? DomainState.Running
        : DomainState.Booting;

    /// <summary>Whether it runs and said that it is ready.</summary>
    internal bool IsReady(long nowNs) => _up && (Console.IsReady || (Config.ReadyText is null && SinceNs(nowNs) >= LongestBootNs));

    /// <summary>Does what is due.</summary>
    internal void Advance(long nowNs)
    {
        WasReady |= IsReady(nowNs);
        if (_up && (_failedStart is not null || Domain.IsOff))
        {
            OnEnd(nowNs);
        }

        if (_up && nowNs >= _pressNs)
        {
            _pressNs = null;
            Press();
        }

        if (_up && nowNs >= _killNs)
        {
            _killNs = long.MaxValue; // only once
            Domain.Stop(_kill.Code, _kill.Words);
        }

        if (_up && Config.WatchdogNs > 0 && nowNs >= _watchNs && !Domain.IsPaused)
        {
            _watchNs = ((nowNs / WatchNs) + 1) * WatchNs; // at the same time as the others
            Domain.EndIfHung(Config.WatchdogNs);
        }

        if (nowNs >= _restartNs)
        {
            Restarts++;
            Start(nowNs);
        }
    }

    /// <summary>Starts it if those it depends on were all ready; says so if one of them never will be.</summary>
    internal void StartAfter(IReadOnlyList<ManagedDomain> others, long nowNs)
    {
        if (others.All(static d => d.WasReady))
        {
            Start(nowNs);
            return;
        }

        ManagedDomain? lost = others.FirstOrDefault(static d => d.IsLost);
        if (lost is not null && Obstacle is null)
        {
            _say($"{Config.Name}: does not start, for {lost.Config.Name} {(lost.LastResult is null ? "does not" : "ended before it was ready")}");
        }

        Obstacle = lost;
    }

    /// <summary>Starts it, where it is off.</summary>
    internal void Start(long nowNs)
    {
        if (_up)
        {
            return;
        }

        (_started, _up, _restartNs, _killNs, _again, WasStopped, Obstacle) = (true, true, null, null, false, false, null);
        _changedNs = nowNs;
        FirstStartNs ??= nowNs;
        _watchNs = nowNs + WatchNs;
        Console.Renew();
        try
        {
            Domain.Start();
            foreach (DomainConsole console in Consoles)
            {
                console.Renew();
            }
        }
        catch (OperatorException e)
        {
            _failedStart = new DomainResult(Config.Name, e.ExitCode, e.Message);
        }
    }

    /// <summary>Ends it: the power button, and after <paramref name="graceNs"/> by force, with this code and words.</summary>
    internal void Stop(long nowNs, long graceNs, int code, string words)
    {
        (_started, _restartNs, _again, _inARow, WasStopped) = (true, null, false, 0, true);
        if (!_up)
        {
            return;
        }

        if (graceNs > 0)
        {
            // Whoever in the guest acts on it may not have been there yet: once more, when it had time for it.
            Press();
            _pressNs = nowNs + (graceNs / 2);
        }

        _kill = (code, graceNs > 0 ? $"{words}, by force: it did not end within {Quantity.FormatDuration(graceNs)} of the power button" : words);
        _killNs = Math.Min(_killNs ?? long.MaxValue, nowNs + graceNs);
    }

    /// <summary>Ends it and starts it again.</summary>
    internal void Restart(long nowNs, long graceNs, int code)
    {
        if (_up)
        {
            Stop(nowNs, graceNs, code, "stopped by the operator");
            _again = true;
        }
        else
        {
            Start(nowNs);
        }
    }

    private void Press()
    {
        if (!Domain.IsPaused)
        {
            Domain.PressPowerButton();
        }
    }

    private void OnEnd(long nowNs)
    {
        EndedBeforeStart = _failedStart is not null;
        DomainResult result = _failedStart ?? Domain.Result ?? new DomainResult(Config.Name, ExitCodes.Host, "ended without a result");
        long livedNs = SinceNs(nowNs);
        (_up, _failedStart, _killNs, _pressNs) = (false, null, null, null);
        LastResult = result;
        WasReady |= result.ExitCode == ExitCodes.PowerOff && !WasStopped;
        _changedNs = nowNs;
        if (!_keepsRam)
        {
            Domain.Release();
        }

        _inARow = livedNs >= RestartConfig.RowEndsNs ? 0 : _inARow;
        if (_again)
        {
            _restartNs = nowNs;
        }
        else if (!WasStopped && Config.Restart.Follows(result.ExitCode, _inARow))
        {
            long wait = Config.Restart.WaitNs(_inARow++);
            _restartNs = nowNs + wait;
            _say($"{Config.Name}: {result.Message}; starts again in {Quantity.FormatDuration(wait)}");
            return;
        }

        bool usedUp = !_again && !WasStopped && Config.Restart.Limit > 0 && (Config.Restart with { Limit = 0 }).Follows(result.ExitCode, _inARow);
        _say($"{Config.Name}: {result.Message}{(usedUp ? $"; not started again, after {Config.Restart.Limit} restarts in a row" : string.Empty)}");
    }
}
