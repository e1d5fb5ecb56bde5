using Bulkhead.Host.Threads;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Time;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Workers;

/// <summary>The CPUs of a system in virtual time: they take turns on one thread, and do the same every time.</summary>
/// <remarks>
/// <para>While one executes, the time passes in which each of them could (<see cref="InstructionClock"/>), so time never goes back, for
/// nobody, and in the long run each CPU has a nanosecond's worth of instructions in a nanosecond. Each has a time of its own, of what it
/// used or was idle, by which its policy goes. Whoever used least goes first, and none gets further ahead of the clock, nor of the others
/// that have work, than <see cref="LeadNs"/>; where all who could run are, time is skipped. A CPU that was idle serves at once what wakes
/// it. What one CPU does to another ends its turn, so that the other can answer.</para>
/// <para><i>Threading</i>: one thread runs everything; <see cref="Call"/> from any.</para>
/// </remarks>
internal sealed class VirtualCpus : IDisposable
{
    /// <summary>How far ahead a CPU may get, in CPU time.</summary>
    internal const long LeadNs = 1_000_000;

    // What a vCPU that spins would have used until the one it waits for has run.
    private const long SpinNs = LeadNs / 10;

    private readonly InstructionClock _clock;
    private readonly SkippedIdle _idle;
    private readonly WorkerOptions _options;
    private readonly Action _onEnd;
    private readonly List<PcpuWorker> _workers = [];
    private readonly bool[] _cannot;
    private readonly bool[] _rested;
    private readonly long _farthestNs;
    private PcpuWorker? _running;
    private Thread? _thread;
    private (long NowNs, int Cpu, int Entry) _last = (-1, -1, -1);
    private bool _ended;
    private bool _stop;

    /// <param name="clock">The time.</param>
    /// <param name="cpus">How many there will be.</param>
    /// <param name="onEnd">Ends every domain, when the time is over.</param>
    internal VirtualCpus(InstructionClock clock, int cpus, Action onEnd)
    {
        _clock = clock;
        _idle = new SkippedIdle(clock);
        _options = new WorkerOptions(() => clock.NowNs, _ => new CountedTurnTimer(clock), _idle, Speed: cpus, Called: Call);
        _onEnd = onEnd;
        _cannot = new bool[cpus];
        _rested = new bool[cpus];
        _farthestNs = (long.MaxValue / cpus) - (1L << 55); // beyond is never: a year later the clock would be full
    }

    /// <summary>A hash of who was chosen when, in order. Asked again at the same time with the same answer, it is the same choice; that
    /// nobody can run is none, and so the last choice comes before the end of the last domain.</summary>
    internal ulong Choices { get; private set; } = StateHash.Of([]);

    /// <summary>Told of each choice: when, by which CPU, and the policy's number of who was chosen; for tests.</summary>
    internal Action<long, int, int>? Chosen { get; set; }

    /// <summary>Adds a CPU, before <see cref="Start"/>.</summary>
    internal PcpuWorker Add(int cpu, IPolicy policy)
    {
        var worker = new PcpuWorker(cpu, policy, _options);
        _workers.Add(worker);
        return worker;
    }

    /// <summary>Starts the thread.</summary>
    internal void Start()
    {
        _thread = HostThread.Start(new Thread(Loop, 1 << 20) { IsBackground = true, Name = "virtual cpus" });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        _idle.Ring();
        Call();
        _thread?.Join();
    }

    // Somebody wants a CPU that runs nobody now: the turn of whoever runs ends.
    private void Call() => Volatile.Read(ref _running)?.EndCurrentTurn();

    private void Loop()
    {
        _workers.ForEach(static worker => worker.Begin());
        while (true)
        {
            _idle.Clear();
            if (Volatile.Read(ref _stop))
            {
                break; // whoever said so rang after it
            }

            Step();
        }

        _workers.ForEach(static worker => worker.End());
    }

    private void Step()
    {
        long now = _clock.NowNs;
        for (int i = 0; i < _workers.Count; i++)
        {
            PcpuWorker worker = _workers[i];
            _cannot[i] = false;
            if (worker.RunnableCount == 0)
            {
                Rest(i, now);
            }

            worker.Collect(now);
        }

        if (_clock.LeftNs <= 0)
        {
            End();
            return;
        }

        long until = long.MaxValue;
        while (TryNext(now, out int cpu))
        {
            if (_workers[cpu].UsedNs - now > LeadNs / 2)
            {
                until = Math.Min(until, _workers[cpu].UsedNs);
                break; // and all others are further ahead: turns would become shorter and shorter
            }

            if (TryRun(cpu, now, out long waitsUntil))
            {
                return;
            }

            long used = _workers[cpu].UsedNs;
            Rest(cpu, Math.Min(now, waitsUntil));
            _cannot[cpu] = waitsUntil > now || waitsUntil <= used;
            until = Math.Min(until, waitsUntil);
        }

        foreach (PcpuWorker worker in _workers)
        {
            until = Math.Min(until, worker.NextTimerNs());
        }

        _idle.Wait(until > _farthestNs ? long.MaxValue : until, prompt: false);
    }

    // It had nobody to run until then.
    private void Rest(int cpu, long untilNs)
    {
        _workers[cpu].UsedNs = Math.Max(_workers[cpu].UsedNs, untilNs);
        _rested[cpu] = true;
    }

    // Of those not known to have nobody to run: one that was idle, and is not ahead of the clock; else the one that used least.
    private bool TryNext(long nowNs, out int cpu)
    {
        cpu = -1;
        for (int i = 0; i < _workers.Count; i++)
        {
            if (IsBusy(i) && _rested[i] && _workers[i].UsedNs <= nowNs && RoomNs(i, nowNs) > 0)
            {
                cpu = i;
                return true;
            }

            if (!_cannot[i] && (cpu < 0 || _workers[i].UsedNs < _workers[cpu].UsedNs))
            {
                cpu = i;
            }
        }

        return cpu >= 0;
    }

    // How long a CPU may go on until it is too far ahead, by the clock, which moves meanwhile.
    private long RoomNs(int cpu, long nowNs)
    {
        int cpus = _workers.Count;
        long aheadNs = _workers[cpu].UsedNs - LeadNs;
        long room = cpus == 1 ? long.MaxValue : (nowNs - aheadNs + cpus - 2) / (cpus - 1);
        for (int i = 0; i < cpus; i++)
        {
            room = i == cpu || !IsBusy(i) ? room : Math.Min(room, (_workers[i].UsedNs - aheadNs + cpus - 1) / cpus);
        }

        return room;
    }

    private bool IsBusy(int cpu) => !_cannot[cpu] && _workers[cpu].RunnableCount > 0;

    private bool TryRun(int cpu, long nowNs, out long untilNs)
    {
        PcpuWorker worker = _workers[cpu];
        long room = Math.Min(_clock.LeftNs, RoomNs(cpu, nowNs));
        long most = room >= long.MaxValue - nowNs ? long.MaxValue : nowNs + room;
        for (int i = 0; i < _workers.Count; i++)
        {
            most = i == cpu ? most : Math.Min(most, _workers[i].NextTimerNs());
        }

        ulong before = _clock.Executed;
        worker.SpinNs = IsAnotherBusy(cpu) ? SpinNs : 0;
        Volatile.Write(ref _running, worker);
        VcpuSlot? chosen = worker.TryRun(nowNs, most, out untilNs);
        Volatile.Write(ref _running, null);
        if (chosen is null)
        {
            return false;
        }

        if (_clock.Executed == before)
        {
            return true; // somebody rang: all look again
        }

        _rested[cpu] = false;
        if (_last != (nowNs, cpu, chosen.PolicyEntry))
        {
            _last = (nowNs, cpu, chosen.PolicyEntry);
            Choices = StateHash.Add(StateHash.Add(StateHash.Add(Choices, (ulong)nowNs), (ulong)cpu), (ulong)chosen.PolicyEntry);
            Chosen?.Invoke(nowNs, cpu, chosen.PolicyEntry);
        }

        return true;
    }

    private bool IsAnotherBusy(int cpu)
    {
        for (int i = 0; i < _workers.Count; i++)
        {
            if (i != cpu && IsBusy(i))
            {
                return true;
            }
        }

        return false;
    }

    private void End()
    {
        if (!_ended)
        {
            _ended = true;
            _onEnd();
            return;
        }

        _idle.WaitForRing();
    }
}
