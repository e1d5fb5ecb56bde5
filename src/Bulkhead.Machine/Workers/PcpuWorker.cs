using System.Collections.Concurrent;
using Bulkhead.Host;
using Bulkhead.Host.Threads;
using Bulkhead.Host.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tracing;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Workers;

/// <summary>One host CPU that runs vCPUs: the policy picks, the nearest deadline of anyone placed here ends the turn.</summary>
/// <remarks>
/// <para><i>Threading</i>: one pinned thread runs <see cref="Loop"/>, or in virtual time one thread the steps of all
/// (<see cref="VirtualCpus"/>); <see cref="Poke"/> and
/// <see cref="OnEarlierDeadline"/> come from any thread and take no lock. A waker first sets the vCPU's flag, then rings,
/// then looks who runs; the worker first names who runs, then looks for a ring: one of the two sees the other.</para>
/// <para><i>Errors</i>: whatever a vCPU or a device throws ends its domain alone.</para>
/// </remarks>
internal sealed partial class PcpuWorker : IVcpuWorker, IDisposable
{
    // So long a turn lasts at least, whatever others do, once several before it did not: far more than it takes to end one.
    private const long GuardNs = 50_000;
    private const int MostCutTurns = 2;

    private readonly WorkerOptions _options;
    private readonly IIdle _idle;
    private readonly List<Placement> _placed = [];
    private readonly StandIn _standIn;
    private readonly ConcurrentQueue<Action> _orders = new();
    private readonly StolenTime? _stolen;
    private readonly WakeMeter? _wakes;
    private readonly int _cpu;
    private readonly WorkerPriority _priority;
    private ThreadTurnTimer? _raisingTimer;
    private IPolicy _policy;
    private IMovingPolicy? _mover;
    private readonly ManualResetEventSlim _begun = new();
    private Thread? _thread;
    private OperatorException? _refused;
    private ITurnTimer? _timer;
    private TurnTimer? _sampler;
    private VcpuSlot? _current;
    private long _untilNs;
    private long _beganNs;
    private bool _prompt;
    private bool _guarded;
    private int _threadId;
    private bool _stop;

    /// <summary>Creates a worker for host CPU <paramref name="cpu"/> (-1: not pinned).</summary>
    internal PcpuWorker(int cpu, IPolicy policy, WorkerOptions options, int realTimePriority = 0)
    {
        _cpu = cpu;
        _policy = policy;
        _mover = policy as IMovingPolicy;
        _options = options;
        _idle = options.Idle;
        _priority = new WorkerPriority(realTimePriority);
        _standIn = new StandIn(_placed);
        _stolen = options.RealTime ? new StolenTime() : null;
        _wakes = options.RealTime ? new WakeMeter() : null;
        Recorder = new FlightRecorder(cpu);
    }

    /// <summary>The host CPU.</summary>
    internal int Cpu => _cpu;

    /// <summary>Its last turns.</summary>
    internal FlightRecorder Recorder { get; }

    /// <summary>In virtual time: what it costs a vCPU to wait for one on another CPU by spinning, as if it had spun for so long.</summary>
    internal long SpinNs { get; set; }

    /// <summary>In virtual time: how much of its time the CPU has used, or was idle; policies and classes go by it.</summary>
    internal long UsedNs { get; set; }

    /// <summary>Who picks.</summary>
    internal IPolicy Policy => _policy;

    /// <inheritdoc/>
    public long NowNs => _options.NowNs();

    /// <inheritdoc/>
    public long CpuNowNs => CpuNs(NowNs) + (_options.Speed > 1 && _current is not null ? (NowNs - _beganNs) * _options.Speed : 0);

    /// <summary>Places a vCPU here; before <see cref="Start"/>.</summary>
    internal Placement Place(VcpuSlot slot, Share share, bool[]? pins = null)
    {
        var placement = new Placement(slot, share, this, pins);
        slot.Worker = placement;
        Enter(placement);
        _placed.Add(placement);
        NotePrompt();
        return placement;
    }

    /// <summary>Replaces the policy: whoever is here enters the new one, runnable where it was, with its latest share.</summary>
    /// <remarks><i>Threading</i>: the worker's thread, between turns; or before <see cref="Start"/>.</remarks>
    internal void ChangePolicy(IPolicy policy)
    {
        _policy = policy;
        _mover = policy as IMovingPolicy;
        _mover?.Reserve(_balance?.Vcpus ?? 0);
        foreach (Placement placement in _placed)
        {
            _ = placement.TakeShare();
            Enter(placement);
        }

        NotePrompt();
    }

    /// <summary>Has the worker do something between two turns; from any thread.</summary>
    internal void Post(Action order)
    {
        _orders.Enqueue(order);
        Poke(null);
    }

    /// <summary>Has the worker say, from its thread, when it goes by all that was set before; from any thread.</summary>
    internal void Confirm(Action<long> confirmed) => Post(() =>
    {
        // Some of it may have been set after this round's look.
        long now = _options.NowNs();
        TakeNews(now);
        confirmed(now);
    });

    /// <summary>Whether a vCPU is here; the worker's thread.</summary>
    internal bool Holds(Placement placement) => _placed.Contains(placement);

    /// <summary>Starts the thread.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where the host refuses the thread, or what it needs.</remarks>
    internal void Start()
    {
        _thread = HostThread.Start(new Thread(Loop, 1 << 20) { IsBackground = true, Name = $"pcpu{_cpu}" });
        _begun.Wait();
        if (_refused is { } refused)
        {
            throw new OperatorException(refused.Message, refused);
        }
    }

    /// <summary>Something changed for <paramref name="slot"/> (null: for anyone): wake up, or end another's turn. One that wants to run
    /// already is looked at before it does, and hastens nothing.</summary>
    public void Poke(VcpuSlot? slot)
    {
        bool waits = slot is { Runnable: true };
        if (!waits)
        {
            _idle.Ring();
            _priority.Raise();
        }

        VcpuSlot? current = Volatile.Read(ref _current);
        if (current is null)
        {
            _options.Called?.Invoke();
        }
        else if (current != slot && !waits && !Volatile.Read(ref _guarded))
        {
            current.Vcpu.EndTurn();
        }
    }

    /// <summary>A deadline of a vCPU placed here moved forward.</summary>
    public void OnEarlierDeadline(VcpuSlot slot)
    {
        if (Environment.CurrentManagedThreadId != Volatile.Read(ref _threadId))
        {
            Interlocked.MemoryBarrier(); // who begins its turn now looks at its timers after saying so
            if (!slot.Runnable || Volatile.Read(ref _current) == slot)
            {
                Poke(null);
            }

            return;
        }

        // On our own thread inside a turn (the guest armed a timer): the turn just ends earlier.
        long deadline = slot.Timers.NextDeadlineNs;
        if (_current is null)
        {
            _options.Called?.Invoke();
        }
        else if (deadline < _untilNs && (slot == _current || !slot.Runnable))
        {
            _untilNs = deadline;
            Arm(deadline);
        }
    }

    /// <summary>Runs until <see cref="Dispose"/>.</summary>
    internal void Loop()
    {
        if (_cpu >= 0)
        {
            _ = HostThread.TryPin(_cpu);
        }

        _priority.Begin();
        HostThread.PreciseTimers();
        if (!TryBegin())
        {
            End();
            return;
        }

        while (true)
        {
            _idle.Clear();
            if (Volatile.Read(ref _stop))
            {
                break; // whoever said so rang after it
            }

            long now = _options.NowNs();
            Collect(now);
            if (TryRun(now, long.MaxValue, out long until) is null)
            {
                _priority.Raise();
                Idle(until);
                _priority.NoteIdle(_options.NowNs() - now);
                _stolen?.Forget();
                _wakes?.NoteIdle();
            }
        }

        End();
    }

    /// <summary>From here on this thread runs it.</summary>
    internal void Begin()
    {
        Volatile.Write(ref _threadId, Environment.CurrentManagedThreadId);
        _sampler = _options.Sampler?.Invoke();
        _timer = _options.TurnTimer(EndCurrentTurn);
    }

    private bool TryBegin()
    {
        try
        {
            Begin();
        }
        catch (OperatorException e)
        {
            _refused = e; // Start says so
        }

        _begun.Set();
        return _refused is null;
    }

    /// <summary>This thread runs it no more.</summary>
    internal void End()
    {
        _raisingTimer?.Dispose();
        _timer?.Dispose();
        _sampler?.Dispose();
        _timer = null;
        _sampler = null;
    }

    /// <summary>Runs whom the policy chooses for a turn, at most until a time. Null: nobody may run now, before <paramref name="untilNs"/>.</summary>
    internal VcpuSlot? TryRun(long nowNs, long mostNs, out long untilNs)
    {
        (int entry, long budgetNs) = _policy.Pick(CpuNs(nowNs));
        if (entry < 0)
        {
            untilNs = Math.Min(Math.Min(NextTimerNs(), NextChange(nowNs, chosen: null)), WhenUsed(nowNs, budgetNs, runs: false));
            return null;
        }

        Placement chosen = PlacementOf(entry);
        Placement next = _standIn.For(chosen);
        long ownNs = Math.Min(Math.Min(NextChange(nowNs, chosen), WhenUsed(nowNs, budgetNs, runs: true)), mostNs);
        untilNs = Math.Min(ownNs, NextTimer(next));
        if (next == chosen && _runnable > 1)
        {
            Spread(next, nowNs);
        }

        Turn(next, chosen.Slot, nowNs, ownNs, untilNs);
        return chosen.Slot;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        Poke(null);
        _thread?.Join();
        _begun.Dispose();
    }

    // Until when the turn can last at this priority.
    private long SetPriority(VcpuSlot slot, long nowNs, long untilNs)
    {
        if (slot.IsUrgent)
        {
            _priority.Raise();
        }
        else if (_priority.LentNs is > 0 and long lent)
        {
            return Math.Min(untilNs, nowNs + lent);
        }
        else if (_priority.TryPrepareOrdinary())
        {
            if (untilNs != long.MaxValue)
            {
                Arm(untilNs);
            }

            _priority.BeOrdinary();
        }

        return untilNs;
    }

    // An ordinary thread may not have the CPU when a signal for it comes: one that always gets it raises it first.
    private void Arm(long deadlineNs)
    {
        if (_priority.IsOrdinary)
        {
            _raisingTimer ??= new ThreadTurnTimer(() =>
            {
                _priority.Raise();
                EndCurrentTurn();
            });
            _raisingTimer.Arm(deadlineNs);
        }
        else
        {
            _timer?.Arm(deadlineNs);
        }
    }

    private bool IsUrgent(Share share) => share.HasDeadline || _policy.IsUrgent(share);

    // An idle CPU spins where one it has must answer, or must in one of its classes: it wakes in that, perhaps. Whenever somebody comes, goes
    // or has another share.
    private void NotePrompt()
    {
        _prompt = false;
        foreach (Placement placement in _placed)
        {
            foreach (Share share in placement.Entitlements)
            {
                _prompt |= IsUrgent(share);
            }
        }
    }

    // What it is entitled to in the class it is in now counts from here on.
    private void Entitle(Placement placement)
    {
        Share entitled = placement.Entitled;
        _policy.Change(placement.Slot.PolicyEntry, entitled);
        placement.Slot.IsUrgent = IsUrgent(entitled);
    }

    private void Reclass(Placement placement, long nowNs)
    {
        if (placement.Slot.Classes?.Select(CpuNs(nowNs)) == true)
        {
            Entitle(placement);
        }
    }

    internal void EndCurrentTurn() => Volatile.Read(ref _current)?.Vcpu.EndTurn();

    // The chosen one pays, also where another runs in its place.
    private void Turn(Placement placement, VcpuSlot chosen, long nowNs, long ownNs, long untilNs)
    {
        VcpuSlot slot = placement.Slot;
        bool guarded = _options.RealTime && slot.CutTurns >= MostCutTurns;
        untilNs = SetPriority(slot, nowNs, guarded ? Math.Min(ownNs, nowNs + GuardNs) : untilNs);
        Volatile.Write(ref _guarded, guarded);
        (_beganNs, _untilNs) = (nowNs, untilNs);
        _ = Interlocked.Exchange(ref _current, slot);
        if (_idle.IsRung && !guarded)
        {
            slot.CutTurns++;
            Volatile.Write(ref _current, null);
            return;
        }

        // Armed by another thread that did not see yet that it runs.
        ownNs = Math.Min(ownNs, slot.Timers.NextDeadlineNs);
        untilNs = _untilNs = Math.Min(untilNs, ownNs);

        long woken = slot.WaitingSinceNs;
        if (woken != 0)
        {
            long waited = _options.NowNs() - woken;
            ScheduleEra? era = slot.Era;
            if (era?.Covers(woken) != false)
            {
                slot.DispatchLatency.Add(waited);
            }

            slot.Waits.Note(woken, waited, Recorder, slot.Classes?.Name, era, _policy, slot.PolicyEntry);
            slot.WaitingSinceNs = 0;
        }

        slot.BeginTurn(nowNs);
        _stolen?.Begin(nowNs);
        _timer?.Aim(slot.Vcpu);
        _sampler?.Aim(slot.Vcpu.TurnCell);
        if (untilNs != long.MaxValue)
        {
            Arm(untilNs);
        }

        StopReason reason = StopReason.EngineError;
        string? thrown = null;
        try
        {
            reason = slot.Vcpu.Run(slot.Io, untilNs);
        }
#pragma warning disable CA1031 // The root of a turn: what anything below throws is recorded and ends this domain alone.
        catch (Exception e)
#pragma warning restore CA1031
        {
            thrown = e.ToString();
        }

        Volatile.Write(ref _current, null);
        _timer?.Aim(null);
        _sampler?.Aim(0);
        long end = _options.NowNs();
        long took = Math.Max(end - nowNs, 0);
        bool cut = took < GuardNs && end < Math.Min(ownNs, slot.Timers.NextDeadlineNs) && reason is StopReason.Kicked or StopReason.Budget;
        slot.CutTurns = cut ? slot.CutTurns + 1 : 0;
        long ran = (took * _options.Speed) + (reason == StopReason.Spin ? Math.Min(SpinNs, Math.Max(untilNs - end, 0)) : 0);
        long used = UsedNs = CpuNs(nowNs) + ran;
        _policy.Charge(ran, used);
        _wakes?.Note(slot, woken, slot.NoticedNs, end);
        chosen.Classes?.Charge(ran, used);
        _priority.NoteRan(slot.IsUrgent ? 0 : ran);
        slot.Account(ran);
        long taken = _stolen?.End(end, slot.Vcpu.EndAskedNs - untilNs) ?? 0;
        Recorder.Add(new TurnRecord(slot.Domain.Name, slot.Index, woken, nowNs, took, taken, reason, placement.CameFrom, chosen.Classes?.Name));
        placement.CameFrom = -1;
        if (reason == StopReason.Halt)
        {
            slot.BlockedNs = end;
            slot.Classes?.Halt();
            Block(placement, voluntary: true);
            if (slot.NoteHalt())
            {
                slot.Domain.NoteStuck();
            }
        }
        else if (reason == StopReason.Spin)
        {
            _standIn.NoteSpin(placement);
        }
        else if (reason is not (StopReason.Budget or StopReason.Kicked))
        {
            EndDomainSlow(slot, reason, thrown);
        }
    }

    // Those who come first: what was set in them before is looked at below. Timers then: they wake vCPUs.
    internal void Collect(long nowNs)
    {
        TakeNews(nowNs);
        while (_orders.TryDequeue(out Action? order))
        {
            order();
        }

        foreach (Placement placement in _placed)
        {
            VcpuSlot slot = placement.Slot;
            if (!slot.IsHeld && slot.Timers.NextDeadlineNs <= nowNs)
            {
                FireTimers(slot, nowNs);
            }
        }

        foreach (Placement placement in _placed)
        {
            Look(placement, nowNs);
        }
    }

    private void Look(Placement placement, long nowNs)
    {
        VcpuSlot slot = placement.Slot;
        if (slot.IsParked)
        {
            return;
        }

        if (slot.Domain.IsAsked)
        {
            Hold(placement);
            slot.Park();
            slot.Domain.OnParked();
        }
        else if (slot.Domain.IsPaused)
        {
            Hold(placement);
        }

        if (slot.Runnable)
        {
            Reclass(placement, nowNs);
        }

        if (slot.IsHeld || !slot.TakeWake(out long wokenNs))
        {
            return;
        }

        _standIn.NoteWake(placement);
        if (!slot.Runnable)
        {
            slot.Runnable = true;
            slot.NoticedNs = nowNs;
            Count(1);
            slot.Classes?.Wake();
            Reclass(placement, nowNs);
            _policy.Wake(slot.PolicyEntry);

            // A kick from before the HLT was served then; it wakes for nothing and measures nothing.
            slot.WaitingSinceNs = wokenNs >= slot.BlockedNs ? wokenNs : 0;
        }
    }

    private static void FireTimers(VcpuSlot slot, long nowNs)
    {
        try
        {
            long dueNs = slot.Timers.NextDeadlineNs;
            slot.Timers.Fire(nowNs);
            slot.BackdateWake(Math.Max(dueNs, slot.BlockedNs));
        }
#pragma warning disable CA1031 // The root of a timer: see Turn.
        catch (Exception e)
#pragma warning restore CA1031
        {
            slot.Domain.Stop(ExitCodes.Engine, $"a timer failed: {e}");
        }
    }

    // Whatever held it, it is owed nothing for the time.
    private void Hold(Placement placement)
    {
        Block(placement, voluntary: true);
        placement.Slot.BlockedNs = long.MaxValue;
        placement.Slot.WaitingSinceNs = 0;
    }

    private void Block(Placement placement, bool voluntary)
    {
        VcpuSlot slot = placement.Slot;
        if (slot.Runnable)
        {
            slot.Runnable = false;
            placement.NoteSleep();
            Count(-1);
            _policy.Block(slot.PolicyEntry, voluntary);
        }
    }

    private static void EndDomainSlow(VcpuSlot slot, StopReason reason, string? thrown)
    {
        (int code, string what) = reason switch
        {
            StopReason.TripleFault => (ExitCodes.TripleFault, "triple fault"),
            StopReason.Unsupported => (ExitCodes.Unsupported, $"unsupported: {slot.Vcpu.StopDetail}"),
            _ => (ExitCodes.Engine, $"engine error: {thrown ?? slot.Vcpu.StopDetail}"),
        };
        slot.Domain.Crash(code, what, slot);
    }

    /// <summary>When the next timer of those here is due.</summary>
    internal long NextTimerNs()
    {
        long next = long.MaxValue;
        foreach (Placement placement in _placed)
        {
            next = placement.Slot.IsHeld ? next : Math.Min(next, placement.Slot.Timers.NextDeadlineNs);
        }

        return next;
    }

    // When a timer of another is due that may have it run in place of this one. Who wants to run already, or could not, has its timers
    // fired before its turn: nobody ends turns with timers of vCPUs that compute.
    private long NextTimer(Placement running)
    {
        long next = running.Slot.Timers.NextDeadlineNs;
        foreach (Placement placement in _placed)
        {
            VcpuSlot slot = placement.Slot;
            if (!slot.Runnable && !slot.IsHeld && (slot.Classes is not null || _policy.MayPrecede(slot.PolicyEntry)))
            {
                next = Math.Min(next, slot.Timers.NextDeadlineNs);
            }
        }

        return next;
    }

    // When somebody's class changes by itself.
    private long NextChange(long nowNs, Placement? chosen)
    {
        long next = long.MaxValue;
        foreach (Placement placement in _placed)
        {
            if (placement.Slot is { Runnable: true, Classes: { } classes })
            {
                long used = CpuNs(nowNs);
                long change = classes.NextChangeNs(used, placement == chosen);
                next = Math.Min(next, WhenUsed(nowNs, change == long.MaxValue ? change : change - used, chosen is not null));
            }
        }

        return next;
    }

    // A CPU's own time, which it may be ahead of or behind where several take turns.
    private long CpuNs(long nowNs) => _options.Speed == 1 ? nowNs : UsedNs;

    // When so much more of its own time has passed: used, for which CPUs that take turns need less, or idle.
    private long WhenUsed(long nowNs, long moreNs, bool runs)
    {
        long from = runs ? nowNs : CpuNs(nowNs);
        long takes = !runs || _options.Speed == 1 || moreNs == long.MaxValue ? moreNs : Math.Max(moreNs / _options.Speed, 1);
        return takes >= long.MaxValue - from ? long.MaxValue : from + takes;
    }

    private Placement PlacementOf(int entry)
    {
        foreach (Placement placement in _placed)
        {
            if (placement.Slot.PolicyEntry == entry)
            {
                return placement;
            }
        }

        throw new System.Diagnostics.UnreachableException("The policy picked a vCPU that is not here.");
    }
}
