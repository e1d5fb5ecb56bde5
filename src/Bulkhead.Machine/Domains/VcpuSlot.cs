using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Time;
using Bulkhead.Devices.Chipset;
using Bulkhead.Machine.Tracing;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Domains;

/// <summary>One vCPU of a domain: the engine's object, what it reaches, and where it is placed.</summary>
/// <remarks>
/// <i>Threading</i>: <see cref="IVcpuSignals"/>, <see cref="Wake"/> and the counters from any thread; what says "worker"
/// only on the worker's thread; the rest is set while the domain is built or wholly parked.
/// </remarks>
public sealed class VcpuSlot : IVcpuSignals, ITaskPriorityObserver
{
    // When the first wake-up nobody has looked at came; 0 where there is none.
    private long _wakeNs;
    private bool _stuck;
    private int _parked;
    private long _ranNs;
    private long _turnStartNs;
    private int _accounts;
    private long _turns;
    private long _moves;
    private long _halts;
    private long _exitsBefore;
    private long _progress;
    private long _progressRanNs;
    private TimerQueue _timers;

    internal VcpuSlot(Domain domain, int index)
    {
        Domain = domain;
        Index = index;
        _timers = NewTimers();
    }

    /// <summary>The domain it belongs to.</summary>
    public Domain Domain { get; }

    /// <summary>Its number, which is its APIC id.</summary>
    public int Index { get; }

    /// <summary>Time it ran, in nanoseconds, the turn it is in included.</summary>
    public long RanNs
    {
        get
        {
            // Both belong together while the count is even and stays what it was.
            while (true)
            {
                int accounts = Volatile.Read(ref _accounts);
                long ran = Volatile.Read(ref _ranNs);
                long start = Volatile.Read(ref _turnStartNs);
                if ((accounts & 1) == 0 && accounts == Interlocked.CompareExchange(ref _accounts, 0, 0))
                {
                    return start == 0 ? ran : ran + Math.Max(Domain.Clock.NowNs - start, 0);
                }
            }
        }
    }

    /// <summary>How often it was dispatched.</summary>
    public long Turns => Volatile.Read(ref _turns);

    /// <summary>How often it moved to another host CPU.</summary>
    public long Moves => Volatile.Read(ref _moves);

    /// <summary>How long it took from what woke it (or its timer's deadline) to its turn, every time it slept, but for waits in which the
    /// rules changed.</summary>
    public LatencyHistogram DispatchLatency { get; } = new();

    /// <summary>What that is made of, where the CPU is its to take, up to the guest's first instruction; on the real clock.</summary>
    public WakeTimes WakeTimes { get; } = new();

    /// <summary>The name of the class of its turns now; null where its domain has none.</summary>
    public string? ClassName => Classes?.Name;

    /// <summary>Exits so far, as a hypervisor counts them.</summary>
    public long ExitCount => _exitsBefore + (Vcpu?.Exits.Total ?? 0); // null before the first start

    /// <summary>What the time it ran went to, most first; empty where nobody looked.</summary>
    public IReadOnlyList<(string Activity, double Share)> ActivityTable()
    {
        VcpuActivity[] ran = Enum.GetValues<VcpuActivity>();
        long all = Profile is { } profile ? ran.Sum(a => profile[a]) : 0;
        return all == 0 ? [] : [.. ran.OrderByDescending(a => Profile![a]).Select(a => (a.ToString(), (double)Profile![a] / all))];
    }

    internal VcpuProfile? Profile => Vcpu.Profile;

    internal ExitCounters Exits => Vcpu.Exits;

    /// <summary>Reasons that occurred and how often, most frequent first.</summary>
    public IReadOnlyList<(string Reason, long Count)> ExitTable() =>
        [.. Enum.GetValues<ExitReason>().Where(r => Exits[r] > 0).Select(r => (r.ToString(), Exits[r])).OrderByDescending(e => e.Item2)];

    /// <summary>Instructions that were interpreted and how often, most frequent first.</summary>
    public IReadOnlyList<(string Instruction, long Count)> InterpretedTable() =>
        [.. Exits.Interpreted().Select(i => (i.Code.ToString(), i.Count)).OrderByDescending(e => e.Count)];

    internal IVcpu Vcpu { get; private set; } = null!; // Set by Attach before anything can run it.

    internal ICpuIo Io { get; set; } = null!; // Set by the domain's power-up before the first turn.

    /// <summary>Its local APIC, since the last power-up.</summary>
    internal LocalApic? Apic { get; set; }

    internal IVcpuWorker? Worker { get; set; }

    /// <summary>Where its exits and interrupts go; null while no trace is written.</summary>
    internal VcpuTrace? Trace
    {
        get;
        set
        {
            field = value;
            Apic?.Observer = value;
            Vcpu?.Exits.Observer = value; // null before the first start
        }
    }

    /// <summary>Its classes; null where its domain has none.</summary>
    internal VcpuClasses? Classes { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>By which rules its CPU is shared from now on; null where nobody said.</summary>
    internal ScheduleEra? Era { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>Worker: its longest waits.</summary>
    internal WaitLog Waits { get; } = new();

    /// <summary>Deadlines of its local APIC; vCPU 0's has the board's too.</summary>
    internal TimerQueue Timers => Volatile.Read(ref _timers);

    /// <summary>Worker: the number under which the policy knows it.</summary>
    internal int PolicyEntry { get; set; }

    /// <summary>Worker: whether it goes before other processes of the host.</summary>
    internal bool IsUrgent { get; set; }

    /// <summary>Whether the policy counts it runnable; the worker says so.</summary>
    internal bool Runnable { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>Worker: how many of its turns in succession others ended before they were of any use to it.</summary>
    internal int CutTurns { get; set; }

    /// <summary>Worker: when it went to sleep; <see cref="long.MaxValue"/> where it does not sleep by its own will.</summary>
    internal long BlockedNs { get; set; } = long.MaxValue;

    /// <summary>Worker: since when it waits for its turn after a sleep; 0 where it does not.</summary>
    internal long WaitingSinceNs { get; set; }

    /// <summary>Worker: when it saw what <see cref="WaitingSinceNs"/> counts from.</summary>
    internal long NoticedNs { get; set; }

    /// <summary>Whether somebody woke it since the worker's last look.</summary>
    internal bool IsWoken => Volatile.Read(ref _wakeNs) != 0;

    internal bool IsParked => Volatile.Read(ref _parked) != 0;

    /// <summary>Whether neither it nor its timers are to run now.</summary>
    internal bool IsHeld => IsParked || Domain.IsPaused || Domain.IsAsked;

    /// <summary>Gives it an engine's vCPU, for a new life; the domain disposes it.</summary>
    internal void Attach(IVcpu vcpu)
    {
        _exitsBefore = ExitCount;
        Vcpu = vcpu;
        vcpu.Exits.Observer = Trace;
    }

    /// <summary>The time it ran since it last halted or took an interrupt, as far as this was looked at; the control thread.</summary>
    internal long StalledNs()
    {
        long progress = Volatile.Read(ref _halts) + (Apic?.AcknowledgedCount ?? 0);
        if (progress != _progress)
        {
            (_progress, _progressRanNs) = (progress, RanNs);
        }

        return RanNs - _progressRanNs;
    }

    /// <inheritdoc/>
    public void OnTaskPriority(byte priority) => Classes?.Look();

    /// <inheritdoc/>
    public void Kick()
    {
        Vcpu.Kick();
        Wake();
    }

    /// <inheritdoc/>
    public void Nmi()
    {
        Vcpu.Nmi();
        Wake();
    }

    /// <inheritdoc/>
    public void Init()
    {
        Vcpu.Init();
        Wake();
    }

    /// <inheritdoc/>
    public void StartUp(byte vector)
    {
        Vcpu.StartUp(vector);
        Wake();
    }

    /// <summary>Has the worker run it again soon; one turn for nothing at worst.</summary>
    internal void Wake()
    {
        // A full fence even where a wake-up waits already: the worker that takes it sees what the waker changed.
        bool waits = Interlocked.CompareExchange(ref _wakeNs, Math.Max(Domain.Clock.NowNs, 1), 0) != 0;
        if (!(waits && IsHeld)) // whoever lets it go wakes it again
        {
            Worker?.Poke(this);
        }
    }

    /// <summary>Worker: whether somebody woke it since the last look, and when.</summary>
    internal bool TakeWake(out long wokenNs)
    {
        wokenNs = Volatile.Read(ref _wakeNs);
        if (wokenNs == 0)
        {
            return false;
        }

        // In this order: whoever sees no wake-up any more sees that it is not stuck either.
        Volatile.Write(ref _stuck, false);
        wokenNs = Interlocked.Exchange(ref _wakeNs, 0);
        return true;
    }

    /// <summary>Worker, after a turn that ended with HLT: whether nothing but an NMI, INIT or SIPI gets it going again.</summary>
    internal bool NoteHalt()
    {
        ref Registers registers = ref Vcpu.Registers;
        bool stuck = registers.Activity == (byte)ActivityState.WaitForSipi
            || (registers.Activity == (byte)ActivityState.Halted && (registers.Rflags & Rflags.IF) == 0);
        _halts++;
        _ = Interlocked.Exchange(ref _stuck, stuck);
        return stuck;
    }

    /// <summary>Whether it halted for good and nothing came since.</summary>
    internal bool IsStuck => Volatile.Read(ref _stuck) && Volatile.Read(ref _wakeNs) == 0;

    /// <summary>Worker: a timer fired late; a wake-up it gave counts from when it was due.</summary>
    internal void BackdateWake(long dueNs)
    {
        long woken = Volatile.Read(ref _wakeNs);
        if (woken > dueNs)
        {
            _ = Interlocked.CompareExchange(ref _wakeNs, Math.Max(dueNs, 1), woken);
        }
    }

    internal void Park() => Volatile.Write(ref _parked, 1);

    internal void Unpark()
    {
        // What it ran before its start or reset is not held against it. The counts of progress may be the same as then.
        Volatile.Write(ref _progress, -1);
        Volatile.Write(ref _parked, 0);
        Wake();
    }

    /// <summary>Forgets every deadline of a board that is gone.</summary>
    internal void ReplaceTimers() => Volatile.Write(ref _timers, NewTimers());

    /// <summary>Worker: it goes to another.</summary>
    internal void NoteMove() => Volatile.Write(ref _moves, _moves + 1);

    /// <summary>Worker: a turn begins.</summary>
    internal void BeginTurn(long nowNs) => Volatile.Write(ref _turnStartNs, nowNs);

    /// <summary>Worker: the turn is over.</summary>
    internal void Account(long ranNs)
    {
        Volatile.Write(ref _turns, _turns + 1);
        _ = Interlocked.Increment(ref _accounts);
        _turnStartNs = 0;
        _ranNs += ranNs;
        _ = Interlocked.Increment(ref _accounts);
    }

    private TimerQueue NewTimers() => new(() => Worker?.OnEarlierDeadline(this));
}
