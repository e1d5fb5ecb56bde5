using System.Collections.Concurrent;
using System.Diagnostics;
using Bulkhead.Cli.Changes;
using Bulkhead.Cli.Control;
using Bulkhead.Cli.Machines;
using Bulkhead.Host;
using Bulkhead.Host.Memory;
using Bulkhead.Host.Threads;
using Bulkhead.Machine;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tracing;

namespace Bulkhead.Cli.Systems;

/// <summary>A system of domains from its start to its end: starts them in order, restarts them, measures, and obeys the operator.</summary>
/// <remarks>
/// <para>The first domain is the control domain: when it ends for good, the system does. A duration counts from the first look
/// that finds it ready; its task is told as well (<c>bulkhead.seconds</c>) and gets a little longer to end by itself and print its
/// result. Domains end before those they depend on: the power button, the grace, then by force.</para>
/// <para><i>Threading</i>: everything happens on the control thread, which is <see cref="Run"/>'s; others have it do things with
/// <see cref="Ask"/>.</para>
/// </remarks>
internal sealed class LiveSystem : IDisposable
{
    private const long StepNs = 20_000_000;
    private const long DecisionNs = 100_000_000;
    private const long SecondNs = 1_000_000_000;
    private const long LastWordsNs = 2_000_000_000;

    private readonly UpRequest _request;
    private readonly ISystemView _view;
    private readonly ConcurrentQueue<Action> _orders = new();
    private readonly ConcurrentQueue<IDisposable> _closedAtEnd = new();
    private readonly WakeWord _bell = new();
    private readonly long _startNs = Stopwatch.GetTimestamp();
    private readonly FlightFiles _flights;
    private readonly Dictionary<ManagedDomain, Facts> _facts = [];
    private SystemConfig _system;
    private IReadOnlyList<VcpuSchedule> _schedules;
    private MachineRunner? _runner;
    private ManagedDomain[] _domains = [];
    private long _lookedNs;
    private int _listens;
    private bool _stirred;
    private long? _endNs;
    private (int Code, string Words)? _down;
    private bool _ending;
    private bool _over;
    private bool _tracing;
    private int _collections;
    private long _allocated;

    internal LiveSystem(SystemConfig system, UpRequest request, ISystemView view)
    {
        _system = system;
        _request = request;
        _view = view;
        _schedules = VcpuSchedule.Admit(system);
        _flights = new FlightFiles(this, view.Note);
    }

    /// <summary>Its name.</summary>
    internal string Name => _request.Name;

    /// <summary>How long domains get to end by themselves.</summary>
    internal long GraceNs => _request.GraceNs;

    /// <summary>The domains, in the file's order.</summary>
    internal IReadOnlyList<ManagedDomain> Domains => _domains;

    /// <summary>What the file says, with what the operator changed since.</summary>
    internal SystemConfig Config => _system;

    /// <summary>Called when there are domains, before the first of them starts.</summary>
    internal Action? Started { get; set; }

    /// <summary>Ends the system when it says so; called after each step.</summary>
    internal Func<long, bool>? IsDecided { get; set; }

    /// <summary>Called before domains are stopped.</summary>
    internal Action<long>? Ending { get; set; }

    /// <summary>The exit code of a signal that ends the system; null where none does.</summary>
    internal int? SignalCode => _down is { Code: not ExitCodes.PowerOff } down ? down.Code : null;

    /// <summary>Whether measuring began.</summary>
    internal bool IsMeasuring => _endNs is not null;

    /// <summary>Whether the control domain ended for good, or never starts.</summary>
    internal bool IsControlOver => !ControlDomain.IsWanted && !ControlDomain.WasStopped;

    private static long NowNs => Stopwatch.GetTimestamp();

    // The task of an image was told the duration, and may need a little longer for its last words.
    private long LastNs
    {
        get
        {
            long late = ControlDomain.Config.Task is not null ? _request.GraceNs : 0;
            return _endNs is { } end && end < long.MaxValue - late ? end + late : long.MaxValue;
        }
    }

    private ManagedDomain ControlDomain => _domains[0];

    /// <summary>Runs to the end and returns the control domain's exit code, or that of a signal.</summary>
    internal int Run(TextWriter statistics)
    {
        using TranslatorEngines engines = TranslatorEngines.Create(TranslatorEngines.OptionsFor(_system), CodeFolder.Path);
        using MachineRunner runner = Build(engines);
        _runner = runner;
        using var signals = new HostSignals(Down);
        using (ControlServer server = ControlServer.Start(this))
        {
            if (_system.IsVirtual)
            {
                // Their first instructions are at the beginning of time, whenever that is for us.
                Array.ForEach(_domains, static d => d.Start(NowNs));
            }

            GC.Collect(); // what starting left, so that what guests have us allocate has room for long
            runner.Start();
            (_collections, _allocated) = (GC.CollectionCount(0), GC.GetTotalAllocatedBytes());
            Started?.Invoke();
            while (!IsOver(NowNs))
            {
                Step();
            }

            Ending?.Invoke(NowNs);
            ShutDown();
            server.Close();
            for (long end = NowNs + LastWordsNs; server.HasClients && NowNs < end;)
            {
                Await(NowNs + StepNs);
            }

            Volatile.Write(ref _over, true);
            Obey();
        }

        Drain(all: true);
        int exitCode = SignalCode ?? ControlDomain.Outcome?.ExitCode ?? ExitCodes.Host;
        _view.End(exitCode, Status(NowNs), _system.IsVirtual ? runner.StateHash() : null);
        if (_request.Stats)
        {
            Statistics.Write(statistics, runner, engines);
            statistics.WriteLine($"runtime: {GC.CollectionCount(0) - _collections} collections in {GC.GetTotalPauseDuration().TotalMilliseconds:F1} ms, {GC.GetTotalAllocatedBytes() - _allocated} bytes allocated while guests ran");
            WindowTable.Write(statistics, runner.Windows());
        }

        return exitCode;
    }

    /// <summary>Has the control thread do something and waits for it; from any other thread.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where the system is over.</remarks>
    internal T Ask<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>();
        Order(() =>
        {
            try
            {
                answer.SetResult(question());
            }
#pragma warning disable CA1031 // It goes to the one who asked.
            catch (Exception e)
#pragma warning restore CA1031
            {
                answer.SetException(e);
            }
        });

        // Whoever orders after the last look at the orders sees that the system is over.
        if (Volatile.Read(ref _over) && !answer.Task.IsCompleted)
        {
            throw new OperatorException($"system {Name} is over.");
        }

        return answer.Task.GetAwaiter().GetResult();
    }

    /// <summary>The same of what has no answer.</summary>
    internal void Ask(Action action) => _ = Ask(() =>
    {
        action();
        return true;
    });

    /// <summary>Ends the system, with the control domain's exit code or another.</summary>
    internal void Down(int code, string words)
    {
        Order(() => _down ??= (code, words));
    }

    /// <summary>Tells whoever looks at the system; from any thread.</summary>
    internal void Note(string text) => Order(() => _view.Note(text));

    /// <summary>Closes a client's socket when nothing is left of the system; from any thread.</summary>
    internal void CloseAtEnd(IDisposable socket) => _closedAtEnd.Enqueue(socket);

    /// <summary>Refuses to start a domain of a system that ends.</summary>
    internal void ThrowIfEnding()
    {
        if (_ending)
        {
            throw new OperatorException($"system {Name} is ending.");
        }
    }

    /// <summary>Changes what each vCPU of a domain is entitled to.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where some domain would not get the latency it needs; nothing is changed.</remarks>
    internal void Change(ManagedDomain domain, DomainConfig config)
    {
        SystemConfig changed = _system with { Domains = [.. _system.Domains.Select(d => d.Name == config.Name ? config : d)] };
        _schedules = VcpuSchedule.Admit(changed);
        _system = changed;
        domain.Config = config;
        _runner?.Change(domain.Domain, config.Share, _schedules);
        _facts.Clear();
        MeasureAnew([config.Pool]);
    }

    /// <summary>How the CPUs of a domain's pool are shared.</summary>
    internal SchedulingPolicy PolicyOf(ManagedDomain domain) => _system.Pools.First(p => p.Name == domain.Config.Pool).Policy;

    /// <summary>Takes on another version of the system file: how CPUs are shared, and how domains are watched and restarted.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where it changes anything else, or is not admitted; nothing is changed.</remarks>
    internal void Apply(SystemConfig next)
    {
        if (_system.IsVirtual)
        {
            throw new OperatorException($"{next.Path}: the clock of the system that runs is virtual, and a change would come at another time every time; end it with 'bulkhead down' and start it again.", 2);
        }

        SystemChange.Check(_system, next);
        IReadOnlyList<VcpuSchedule> schedules = VcpuSchedule.Admit(next);
        var changed = new HashSet<string>();
        for (int i = 0; i < next.Pools.Count; i++)
        {
            PoolConfig pool = next.Pools[i];
            if (SystemChange.Differs(_system.Pools[i], pool))
            {
                _runner?.Change(i, DomainRequests.Describe(pool, []), domain => next.Domains.First(d => d.Name == domain.Name).Share, schedules);
                _ = changed.Add(pool.Name);
                _view.Note($"pool {pool.Name}: shared by {pool.Policy.Word()} now");
            }
        }

        foreach (ManagedDomain domain in _domains)
        {
            DomainConfig config = next.Domains.First(d => d.Name == domain.Config.Name);
            if (config.Share != domain.Config.Share)
            {
                _runner?.Change(domain.Domain, config.Share, schedules);
                _ = changed.Add(config.Pool);
            }

            domain.Config = config;
        }

        (_system, _schedules) = (next, schedules);
        _facts.Clear();
        MeasureAnew(changed);
    }

    // What was measured by other rules says nothing of those that hold now.
    private void MeasureAnew(IReadOnlyCollection<string> pools) =>
        Array.ForEach([.. _domains.Where(d => pools.Contains(d.Config.Pool))], static d => d.Meter.Mark());

    /// <summary>Lets nobody else trace until <see cref="StopTrace"/>.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where somebody does already.</remarks>
    internal void ClaimTrace()
    {
        if (_tracing)
        {
            throw new OperatorException("a trace is being written already; wait until it is complete.");
        }

        _tracing = true;
    }

    /// <summary>Writes what vCPUs do from now on until <see cref="StopTrace"/>; after <see cref="ClaimTrace"/>.</summary>
    internal void StartTrace(TraceFile trace) => _runner?.StartTrace(trace);

    /// <summary>Ends what <see cref="ClaimTrace"/> and <see cref="StartTrace"/> began.</summary>
    internal void StopTrace()
    {
        _tracing = false;
        _runner?.StopTrace();
    }

    /// <summary>Begins to write the turns that are remembered; whoever asks finishes the file.</summary>
    internal void WriteFlight(TraceFile trace, long sinceNs) => _runner?.WriteFlight(trace, sinceNs);

    /// <summary>The longest waits of a domain's vCPUs in the last minute or two, and what they were made of.</summary>
    internal IReadOnlyList<WaitReport> Why(ManagedDomain domain)
    {
        long now = NowNs;
        IReadOnlyList<WaitRecord> waits = _runner?.Waits(domain.Domain) ?? [];
        return WaitReports.Longest(waits, domain.Config.Name, now);
    }

    /// <summary>What passed on the networks between domains.</summary>
    internal IReadOnlyList<NetworkReport> Networks() => _runner?.Networks() ?? [];

    /// <summary>What became of the channels.</summary>
    internal IReadOnlyList<ChannelReport> Channels() => _runner?.Channels() ?? [];

    /// <summary>Takes a domain's part in a channel away, or gives it back.</summary>
    internal void Revoke(ManagedDomain domain, string channel, bool revoked)
    {
        if (_runner?.TryRevoke(channel, domain.Domain, revoked) != true)
        {
            string[] its = [.. Channels().Where(c => c.Members.Any(m => m.Domain == domain.Config.Name)).Select(static c => c.Name)];
            throw new OperatorException(
                $"{domain.Config.Name} is no member of a channel {channel}; {(its.Length == 0 ? "it is of none" : $"it is of {string.Join(", ", its)}")}.", 2);
        }
    }

    /// <summary>Looks on at a network card; whoever asks disposes it.</summary>
    internal CardCapture Capture(ManagedDomain domain, int card) =>
        _runner?.Capture(domain.Domain, card) ?? throw new OperatorException($"system {Name} is over.");

    /// <summary>Plugs a network card's cable in, or pulls it out.</summary>
    internal void Plug(ManagedDomain domain, int card, bool plugged) => _runner?.Plug(domain.Domain, card, plugged);

    /// <summary>Every domain as operators see it.</summary>
    internal IReadOnlyList<DomainStatus> Status(long nowNs)
    {
        var ran = _system.Pools.ToDictionary(static p => p.Name, p => RanNs(p.Name));
        return [.. _domains.Select(d => Status(d, nowNs, ran[d.Config.Pool]))];
    }

    /// <summary>The same of one domain.</summary>
    internal DomainStatus Status(ManagedDomain d, long nowNs) => Status(d, nowNs, RanNs(d.Config.Pool));

    private DomainStatus Status(ManagedDomain d, long nowNs, long poolRanNs)
    {
        Facts facts = FactsOf(d);
        DomainFigures figures = d.Meter.Figures();
        return new DomainStatus
        {
            Name = d.Config.Name,
            State = d.State(nowNs).ToString().ToLowerInvariant(),
            Seconds = d.SinceNs(nowNs) / 1e9,
            ExitCode = d.LastResult?.ExitCode,
            Message = d.LastResult?.Message,
            Restarts = d.Restarts,
            Pool = d.Config.Pool,
            Policy = facts.Policy,
            Vcpus = d.Config.Vcpus,
            MemoryBytes = d.Config.MemoryBytes,
            Weight = d.Config.Weight,
            WarpNs = d.Config.Warp?.ValueNs ?? 0,
            Priority = facts.Priority,
            Consoles = facts.Consoles,
            Settable = facts.Settable,
            Classes = facts.Classes,
            VcpuClasses = d.IsUp && d.Config.Classes.Count > 0 ? [.. d.Domain.Vcpus.Select(static v => v.ClassName ?? string.Empty)] : null,
            CpuPercent = d.Meter.CpuPercent,
            SharePercent = 100.0 * d.Meter.RanSinceMarkNs / Math.Max(poolRanNs, 1),
            WeightPercent = facts.WeightPercent,
            Exits = d.Meter.Exits,
            TotalExits = figures.TotalExits,
            WakeP99Ns = d.Meter.WakeP99Ns,
            LatencyP50Ns = figures.LatencyP50Ns,
            LatencyP99Ns = figures.LatencyP99Ns,
            LatencyP999Ns = figures.LatencyP999Ns,
            LatencyMaxNs = figures.LatencyMaxNs,
            HostWakeP50Ns = figures.HostWakeP50Ns,
            HostWakeP99Ns = figures.HostWakeP99Ns,
            HostWakeMaxNs = figures.HostWakeMaxNs,
            TurnEndP99Ns = figures.TurnEndP99Ns,
            TurnEndMaxNs = figures.TurnEndMaxNs,
            EntryP50Ns = figures.EntryP50Ns,
            EntryP99Ns = figures.EntryP99Ns,
            EntryMaxNs = figures.EntryMaxNs,
            SwitchP50Ns = figures.SwitchP50Ns,
            SwitchP99Ns = figures.SwitchP99Ns,
            LevelBoundNs = facts.LevelBoundNs,
            WorstBoundNs = facts.WorstBoundNs,
        };
    }

    private long RanNs(string pool) => _domains.Sum(d => d.Config.Pool == pool ? d.Meter.RanSinceMarkNs : 0);

    private Facts FactsOf(ManagedDomain d)
    {
        if (_facts.TryGetValue(d, out Facts? known))
        {
            return known;
        }

        SchedulingPolicy policy = PolicyOf(d);
        VcpuSchedule[] schedules = [.. _schedules.Where(s => s.Domain.Name == d.Config.Name)];
        return _facts[d] = new Facts(
            policy.Word(),
            policy == SchedulingPolicy.FixedPriority ? d.Config.Priority : null,
            [.. d.Consoles.Select(static c => c.Name)],
            ShareChange.Names(d.Config, policy),
            Classes(d, policy),
            WeightPercent(d, schedules),
            schedules.Max(static s => s.LevelDispatchNs),
            schedules.Max(static s => s.WorstDispatchNs));
    }

    private static IReadOnlyList<ClassStatus>? Classes(ManagedDomain d, SchedulingPolicy policy)
    {
        bool isBvt = policy == SchedulingPolicy.Bvt;
        return d.Config.Classes.Count == 0 ? null :
        [
            .. d.Config.Classes.Select(c => new ClassStatus
            {
                Name = c.Name,
                WarpNs = isBvt ? c.WarpNs : null,
                Priority = isBvt ? null : c.Priority,
                LimitNs = c.LimitNs == 0 ? null : c.LimitNs,
                RestNs = c.LimitNs == 0 ? null : c.RestNs,
            }),
        ];
    }

    // By weight, or, where weights have no meaning, what the pool's policy assures it.
    private double WeightPercent(ManagedDomain d, VcpuSchedule[] schedules) =>
        _system.Pools.First(p => p.Name == d.Config.Pool) is { Policy: not SchedulingPolicy.Bvt } other
            ? 100.0 * schedules.Sum(static s => s.Share) / other.CpuCount
            : 100.0 * d.Config.Weight * d.Config.Vcpus / _domains.Where(one => one.Config.Pool == d.Config.Pool).Sum(static one => one.Config.Weight * one.Config.Vcpus);

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_closedAtEnd.TryDequeue(out IDisposable? socket))
        {
            socket.Dispose();
        }
    }

    private void Order(Action order)
    {
        _orders.Enqueue(order);
        _bell.Ring();
    }

    private MachineRunner Build(TranslatorEngines engines)
    {
        if (MemoryWarning.Of(_system, HostMemory.Read()) is { } warning)
        {
            _view.Note(warning);
        }

        int[] allowed = HostThread.AllowedCpus();
        GuestConsole[] consoles = [.. _system.Domains.Select(d => new GuestConsole(d.ReadyText, d.Console is not null, OnPrinted))];
        var machine = new MachineRequest
        {
            Domains = [.. _system.Domains.Select((d, i) => DomainRequests.Describe(_system, d, _request, consoles[i], _view.Note))],
            Pools = [.. _system.Pools.Select(p => DomainRequests.Describe(p, p.ResolveCpus(_system.AllowedCpus(allowed))))],
            Schedules = _schedules,
            Channels = _system.Channels,
            Networks = _system.Networks,
            InstructionClock = _system.IsVirtual,
            Seed = (ulong)_system.Seed,
            EndAtNs = _system.IsVirtual ? _request.DurationNs ?? long.MaxValue : long.MaxValue,
        };
        MachineRunner runner = MachineRunner.Build(machine, engines.Seam);
        foreach (Domain domain in runner.Domains)
        {
            domain.Ended += _ => Order(static () => { });
            domain.Noted += Note;
        }

        if (!_system.IsVirtual)
        {
            Claim([.. allowed.Except(machine.Pools.SelectMany(static p => p.Cpus))]);
        }

        _domains = [.. _system.Domains.Select((d, i) => new ManagedDomain(d, runner.Domains[i], consoles[i], _view, NowNs, keepsRam: _system.IsVirtual))];
        return runner;
    }

    /// <summary>Sees to it that neither we nor other processes delay the workers.</summary>
    /// <param name="others">CPUs of the host on which no guest runs.</param>
    private void Claim(int[] others)
    {
        if (_system.Pools.Any(static p => p.RealTime))
        {
            bool first = HostThread.MayBeRealTime(DomainRequests.WorkerPriority);
            bool locked = ProcessMemory.TryLock();
            if (!first || !locked)
            {
                _view.Note($"the host does not permit {(first ? "locked memory" : locked ? "real-time priority" : "real-time priority and locked memory")}, so its other processes can delay guests"
                    + "; run as root, or raise the user's limits rtprio and memlock (limits.conf), or set realtime: never in the pool");
            }
        }

        // What is not a guest runs where no guest does, if there is such a CPU, else before guests; so do the threads made from now on.
        _ = others.Length > 0 ? HostThread.TryPin(others) : HostThread.TryRealTime(DomainRequests.WorkerPriority + 1);
    }

    private void Step()
    {
        Await(DueNs(NowNs));
        long now = NowNs;
        foreach (ManagedDomain domain in _domains)
        {
            (bool Up, bool, bool) before = domain.Standing;
            domain.Advance(now);
            if (before.Up && domain is { IsUp: false, WasStopped: false, EndedBeforeStart: false, LastResult.ExitCode: not ExitCodes.PowerOff })
            {
                _flights.Crashed(domain);
            }

            if (domain.State(now) == DomainState.Waiting)
            {
                domain.StartAfter([.. domain.Config.DependsOn.Select(Find)], now);
            }

            // Others may have waited for it.
            _stirred |= domain.Standing != before;
        }

        if (now - _startNs >= _lookedNs + SecondNs)
        {
            Look(now);
        }
    }

    /// <summary>When the next step has something to do, if nothing happens before.</summary>
    private long DueNs(long nowNs)
    {
        // What is expected has times of its own.
        long due = Math.Min(LastNs, IsDecided is null ? long.MaxValue : nowNs + DecisionNs);
        due = Math.Min(due, _startNs + _lookedNs + SecondNs);
        foreach (ManagedDomain domain in _domains)
        {
            due = Math.Min(due, domain.DueNs);
        }

        return due;
    }

    /// <summary>Waits for an order, for what a guest prints, or until a time, and sees to what came.</summary>
    private void Await(long untilNs)
    {
        // Who prints goes on printing, and does not ring for every byte: only once a look found nothing, and another one
        // after that, for what was printed in between.
        _bell.Wait(_stirred ? Math.Min(untilNs, NowNs + StepNs) : Interlocked.Exchange(ref _listens, 1) == 0 ? 0 : untilNs);
        _stirred = false;
        Obey();
        Drain(all: false);
    }

    // On vCPU threads.
    private void OnPrinted()
    {
        if (Interlocked.Exchange(ref _listens, 0) == 1)
        {
            _bell.Ring();
        }
    }

    private void Obey()
    {
        while (_orders.TryDequeue(out Action? order))
        {
            order();
        }
    }

    private void Drain(bool all)
    {
        foreach (ManagedDomain domain in _domains)
        {
            _stirred |= domain.Lines.Drain(all);
        }

        _view.Flush();
    }

    private void Look(long nowNs)
    {
        long elapsed = nowNs - _startNs;
        foreach (ManagedDomain domain in _domains)
        {
            domain.Meter.Look(elapsed - _lookedNs);
        }

        // On whole seconds, however late this one is.
        _lookedNs = elapsed / SecondNs * SecondNs;
        if (_endNs is null && ControlDomain.IsReady(nowNs))
        {
            _endNs = _request.DurationNs is { } ns && !_system.IsVirtual && IsDecided is null ? nowNs + ns : long.MaxValue;
            foreach (ManagedDomain domain in _domains)
            {
                domain.Meter.Mark();
            }
        }

        foreach (ManagedDomain domain in _domains)
        {
            _flights.LookForMisses(domain, nowNs);
        }

        _view.Tick(elapsed / 1e9, Status(nowNs));
    }

    private bool IsOver(long nowNs)
    {
        if (_down is not null || IsDecided?.Invoke(nowNs) == true)
        {
            return true;
        }

        return nowNs >= LastNs
            || (IsControlOver && IsDecided is null)
            || !Array.Exists(_domains, static d => d.IsWanted);
    }

    // Who depends on others ends first.
    private void ShutDown()
    {
        _ending = true;
        string words = _down?.Words ?? "stopped with the system";
        int code = _request.GraceNs > 0 ? ExitCodes.Killed : ExitCodes.PowerOff; // who gives no time asks for nothing else
        var told = new HashSet<ManagedDomain>();
        while (Array.Exists(_domains, static d => d.IsUp))
        {
            long now = NowNs;
            foreach (ManagedDomain domain in _domains)
            {
                if (!Array.Exists(_domains, d => d.IsUp && d.Config.DependsOn.Contains(domain.Config.Name)) && told.Add(domain))
                {
                    domain.Stop(now, _request.GraceNs, code, words);
                }
            }

            Await(_domains.Min(static d => d.DueNs));
            foreach (ManagedDomain domain in _domains)
            {
                domain.Advance(NowNs);
            }
        }
    }

    private ManagedDomain Find(string name) => Array.Find(_domains, d => d.Config.Name == name)
        ?? throw new UnreachableException("The file was checked, and no domain has this name.");

    /// <summary>What a status says that changes only with the system file.</summary>
    private sealed record Facts(
        string Policy,
        int? Priority,
        IReadOnlyList<string> Consoles,
        IReadOnlyList<string> Settable,
        IReadOnlyList<ClassStatus>? Classes,
        double WeightPercent,
        long LevelBoundNs,
        long WorstBoundNs);
}
