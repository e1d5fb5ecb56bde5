using System.Collections.Concurrent;
using Bulkhead.Host.Threads;
using Bulkhead.Host.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tracing;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Workers;

/// <summary>One host CPU that runs vCPUs: the policy picks, the nearest deadline of anyone placed here ends the turn.</summary>
/// <remarks>
/// <para><i>Threading</i>: one pinned thread runs <see cref="Loop"/>; <see cref="Poke"/> and
/// <see cref="OnEarlierDeadline"/> come from any thread and take no lock. A waker first sets the vCPU's flag, then rings,
/// then looks who runs; the worker first names who runs, then looks for a ring: one of the two sees the other.</para>
/// <para><i>Errors</i>: whatever a vCPU or a device throws ends its domain alone.</para>
/// </remarks>
internal sealed class PcpuWorker : IVcpuWorker, IDisposable
{
    private readonly WorkerOptions _options;
    private readonly IIdle _idle;
    private readonly List<VcpuSlot> _slots = [];
    private readonly StandIn _standIn;
    private readonly Entitlements _entitlements = new();
    private readonly ConcurrentQueue<Action> _orders = new();
    private readonly StolenTime? _stolen;
    private readonly int _cpu;
    private readonly WorkerPriority _priority;
    private ThreadTurnTimer? _raisingTimer;
    private IPolicy _policy;
    private Thread? _thread;
    private ITurnTimer? _timer;
    private TurnTimer? _sampler;
    private VcpuSlot? _current;
    private long _untilNs;
    private bool _prompt;
    private int _threadId;
    private bool _stop;

    /// <summary>Creates a worker for host CPU <paramref name="cpu"/> (-1: not pinned).</summary>
    internal PcpuWorker(int cpu, IPolicy policy, WorkerOptions options, int realTimePriority = 0)
    {
        _cpu = cpu;
        _policy = policy;
        _options = options;
        _idle = options.Idle;
        _priority = new WorkerPriority(realTimePriority);
        _standIn = new StandIn(_slots);
        _stolen = options.RealTime ? new StolenTime() : null;
        Recorder = new FlightRecorder(cpu);
    }

    /// <summary>The host CPU.</summary>
    internal int Cpu => _cpu;

    /// <summary>Its last turns.</summary>
    internal FlightRecorder Recorder { get; }

    /// <summary>Who picks.</summary>
    internal IPolicy Policy => _policy;

    /// <inheritdoc/>
    public long NowNs => _options.NowNs();

    /// <summary>Places a vCPU here; before <see cref="Start"/>.</summary>
    internal void Place(VcpuSlot slot, Share share)
    {
        slot.Worker = this;
        Admit(slot, share);
        _slots.Add(slot);
        NotePrompt();
    }

    /// <summary>Replaces the policy: whoever is placed here enters the new one, runnable where it was.</summary>
    /// <remarks><i>Threading</i>: the worker's thread, between turns; or before <see cref="Start"/>.</remarks>
    internal void ChangePolicy(IPolicy policy, Func<VcpuSlot, Share> shareOf)
    {
        _policy = policy;
        foreach (VcpuSlot slot in _slots)
        {
            Admit(slot, shareOf(slot));
            if (slot.Runnable)
            {
                policy.Wake(slot.PolicyEntry);
            }
        }

        NotePrompt();
    }

    /// <summary>Has the worker do something between two turns; from any thread.</summary>
    internal void Post(Action order)
    {
        _orders.Enqueue(order);
        Poke(null);
    }

    /// <summary>Changes what a vCPU placed here is entitled to; from any thread.</summary>
    internal void Change(VcpuSlot slot, Share share) => Post(() =>
    {
        _entitlements.Set(slot, share);
        Enter(slot);
        NotePrompt();
    });

    /// <summary>Starts the thread.</summary>
    internal void Start()
    {
        _thread = new Thread(Loop, 1 << 20) { IsBackground = true, Name = $"pcpu{_cpu}" };
        _thread.Start();
    }

    /// <summary>Something changed for <paramref name="slot"/> (null: for anyone): wake up, or end another's turn.</summary>
    public void Poke(VcpuSlot? slot)
    {
        _idle.Ring();
        _priority.Raise();
        VcpuSlot? current = Volatile.Read(ref _current);
        if (current is not null && current != slot)
        {
            current.Vcpu.EndTurn();
        }
    }

    /// <summary>A deadline of a vCPU placed here moved forward.</summary>
    public void OnEarlierDeadline(VcpuSlot slot)
    {
        if (Environment.CurrentManagedThreadId != Volatile.Read(ref _threadId))
        {
            Poke(null);
            return;
        }

        // On our own thread inside a turn (the guest armed a timer): the turn just ends earlier.
        long deadline = slot.Timers.NextDeadlineNs;
        if (_current is not null && deadline < _untilNs)
        {
            _untilNs = deadline;
            Arm(deadline);
        }
    }

    /// <summary>Runs until <see cref="Dispose"/>.</summary>
    internal void Loop()
    {
        Volatile.Write(ref _threadId, Environment.CurrentManagedThreadId);
        if (_cpu >= 0)
        {
            _ = HostThread.TryPin(_cpu);
        }

        _priority.Begin();
        HostThread.PreciseTimers();
        using TurnTimer? sampler = _options.Sampler?.Invoke();
        _sampler = sampler;
        using ITurnTimer timer = _options.TurnTimer(EndCurrentTurn);
        _timer = timer;
        while (!Volatile.Read(ref _stop))
        {
            _idle.Clear();
            long now = _options.NowNs();
            Collect(now);
            (int entry, long budgetNs) = _policy.Pick(now);
            VcpuSlot? chosen = entry < 0 ? null : SlotOf(entry);
            long until = NextDeadline(now, chosen);
            until = budgetNs >= until - now ? until : now + budgetNs;
            if (chosen is null)
            {
                _priority.Raise();
                _idle.Wait(until, _prompt);
                _priority.NoteIdle(_options.NowNs() - now);
                _stolen?.Forget();
                continue;
            }

            Turn(_standIn.For(chosen), chosen, now, until);
        }

        _raisingTimer?.Dispose();
        _timer = null;
        _sampler = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        Poke(null);
        _thread?.Join();
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

    // An idle CPU spins where one it has must answer, or must in one of its classes: it wakes in that, perhaps.
    private void NotePrompt() => _prompt = _slots.Exists(slot => _entitlements.Any(slot, IsUrgent));

    private void Admit(VcpuSlot slot, Share share)
    {
        _entitlements.Set(slot, share);
        Share entitled = _entitlements.Of(slot);
        slot.PolicyEntry = _policy.Add(entitled);
        slot.IsUrgent = IsUrgent(entitled);
    }

    // What it is entitled to in the class it is in now counts from here on.
    private void Enter(VcpuSlot slot)
    {
        Share entitled = _entitlements.Of(slot);
        _policy.Change(slot.PolicyEntry, entitled);
        slot.IsUrgent = IsUrgent(entitled);
    }

    private void Reclass(VcpuSlot slot, long nowNs)
    {
        if (slot.Classes?.Select(nowNs) == true)
        {
            Enter(slot);
        }
    }

    private void EndCurrentTurn() => Volatile.Read(ref _current)?.Vcpu.EndTurn();

    // The chosen one pays, also where another runs in its place.
    private void Turn(VcpuSlot slot, VcpuSlot chosen, long nowNs, long untilNs)
    {
        untilNs = SetPriority(slot, nowNs, untilNs);
        _untilNs = untilNs;
        _ = Interlocked.Exchange(ref _current, slot);
        if (_idle.IsRung)
        {
            Volatile.Write(ref _current, null);
            return;
        }

        long woken = slot.WaitingSinceNs;
        if (woken != 0)
        {
            long waited = _options.NowNs() - woken;
            slot.DispatchLatency.Add(waited);
            slot.Waits.Note(woken, waited, Recorder, slot.Classes?.Name);
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
        long ran = Math.Max(end - nowNs, 0);
        _policy.Charge(ran, end);
        chosen.Classes?.Charge(ran, end);
        _priority.NoteRan(slot.IsUrgent ? 0 : ran);
        slot.Account(ran);
        Recorder.Add(new TurnRecord(slot.Domain.Name, slot.Index, woken, nowNs, ran, _stolen?.End(end) ?? 0, reason, chosen.Classes?.Name));
        if (reason == StopReason.Halt)
        {
            slot.BlockedNs = end;
            slot.Classes?.Halt();
            Block(slot, voluntary: true);
            if (slot.NoteHalt())
            {
                slot.Domain.NoteStuck();
            }
        }
        else if (reason == StopReason.Spin)
        {
            _standIn.NoteSpin(slot);
        }
        else if (reason is not (StopReason.Budget or StopReason.Kicked))
        {
            EndDomainSlow(slot, reason, thrown);
        }
    }

    // Timers first: they wake vCPUs.
    private void Collect(long nowNs)
    {
        while (_orders.TryDequeue(out Action? order))
        {
            order();
        }

        foreach (VcpuSlot slot in _slots)
        {
            if (!slot.IsHeld && slot.Timers.NextDeadlineNs <= nowNs)
            {
                FireTimers(slot, nowNs);
            }
        }

        foreach (VcpuSlot slot in _slots)
        {
            if (slot.IsParked)
            {
                continue;
            }

            if (slot.Domain.IsAsked)
            {
                Hold(slot);
                slot.Park();
                slot.Domain.OnParked();
            }
            else if (slot.Domain.IsPaused)
            {
                Hold(slot);
            }

            if (slot.Runnable)
            {
                Reclass(slot, nowNs);
            }

            if (slot.IsHeld || !slot.TakeWake(out long wokenNs))
            {
                continue;
            }

            _standIn.NoteWake(slot);
            if (!slot.Runnable)
            {
                slot.Runnable = true;
                slot.Classes?.Wake();
                Reclass(slot, nowNs);
                _policy.Wake(slot.PolicyEntry);

                // A kick from before the HLT was served then; it wakes for nothing and measures nothing.
                slot.WaitingSinceNs = wokenNs >= slot.BlockedNs ? wokenNs : 0;
            }
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
    private void Hold(VcpuSlot slot)
    {
        Block(slot, voluntary: true);
        slot.BlockedNs = long.MaxValue;
        slot.WaitingSinceNs = 0;
    }

    private void Block(VcpuSlot slot, bool voluntary)
    {
        if (slot.Runnable)
        {
            slot.Runnable = false;
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

    private long NextDeadline(long nowNs, VcpuSlot? chosen)
    {
        long next = long.MaxValue;
        foreach (VcpuSlot slot in _slots)
        {
            if (!slot.IsHeld)
            {
                next = Math.Min(next, slot.Timers.NextDeadlineNs);
            }

            if (slot.Runnable && slot.Classes is { } classes)
            {
                next = Math.Min(next, classes.NextChangeNs(nowNs, slot == chosen));
            }
        }

        return next;
    }

    private VcpuSlot SlotOf(int entry)
    {
        foreach (VcpuSlot slot in _slots)
        {
            if (slot.PolicyEntry == entry)
            {
                return slot;
            }
        }

        throw new System.Diagnostics.UnreachableException("The policy picked a vCPU that was never placed here.");
    }
}
