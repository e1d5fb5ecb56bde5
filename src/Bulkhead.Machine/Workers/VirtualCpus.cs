using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Time;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Workers;

/// <summary>The CPUs of a system in virtual time: they take turns on one thread, and do the same every time.</summary>
/// <remarks>
/// <para>While one executes, the time passes in which each of them could (<see cref="InstructionClock"/>), so time never goes back, for
/// nobody, and in the long run each CPU has a nanosecond's worth of instructions in a nanosecond. Whoever used least goes first, and none
/// gets further ahead of the others than <see cref="LeadNs"/>; time that all who could run are ahead of is skipped. A CPU that was idle
/// is behind by that much, and so serves at once what wakes it. What one CPU does to another ends its turn, so that the other can answer.</para>
/// <para><i>Threading</i>: one thread runs everything; <see cref="Call"/> from any.</para>
/// </remarks>
internal sealed class VirtualCpus : IDisposable
{
    /// <summary>How far ahead of the others a CPU may get, in CPU time.</summary>
    internal const long LeadNs = 1_000_000;

    // What a vCPU that spins would have used until the one it waits for has run.
    private const long SpinNs = LeadNs / 10;

    private readonly InstructionClock _clock;
    private readonly SkippedIdle _idle;
    private readonly WorkerOptions _options;
    private readonly Action _onEnd;
    private readonly List<PcpuWorker> _workers = [];
    private readonly long[] _usedNs;
    private readonly bool[] _cannot;
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
        _usedNs = new long[cpus];
        _cannot = new bool[cpus];
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
        _thread = new Thread(Loop, 1 << 20) { IsBackground = true, Name = "virtual cpus" };
        _thread.Start();
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
        while (!Volatile.Read(ref _stop))
        {
            Step();
        }

        _workers.ForEach(static worker => worker.End());
    }

    private void Step()
    {
        _idle.Clear();
        long now = _clock.NowNs;
        for (int i = 0; i < _workers.Count; i++)
        {
            _workers[i].Collect(now);
            _usedNs[i] = Math.Max(_usedNs[i], now - LeadNs);
            _cannot[i] = false;
        }

        if (_clock.LeftNs <= 0)
        {
            End();
            return;
        }

        long until = long.MaxValue;
        while (TryNext(out int cpu))
        {
            long roomNs = RoomNs(cpu, now);
            if (roomNs <= 0)
            {
                until = Math.Min(until, _usedNs[cpu]);
                break; // and all others are further ahead
            }

            if (TryRun(cpu, now, roomNs, out long waitsUntil))
            {
                return;
            }

            until = Math.Min(until, waitsUntil);
            _cannot[cpu] = true;
        }

        _idle.Wait(Math.Min(until, NextDeadline(now, but: -1)), prompt: false);
    }

    // Of those not known to have nobody to run, the one that used least.
    private bool TryNext(out int cpu)
    {
        cpu = -1;
        for (int i = 0; i < _workers.Count; i++)
        {
            if (!_cannot[i] && (cpu < 0 || _usedNs[i] < _usedNs[cpu]))
            {
                cpu = i;
            }
        }

        return cpu >= 0;
    }

    // How much a CPU may use until it is too far ahead of the others; those that are idle are where the time is.
    private long RoomNs(int cpu, long nowNs)
    {
        long room = long.MaxValue;
        for (int i = 0; i < _workers.Count; i++)
        {
            if (i != cpu)
            {
                room = Math.Min(room, (IsBusy(i) ? _usedNs[i] : nowNs) + LeadNs - _usedNs[cpu]);
            }
        }

        return room;
    }

    private bool IsBusy(int cpu) => !_cannot[cpu] && _workers[cpu].RunnableCount > 0;

    private bool TryRun(int cpu, long nowNs, long roomNs, out long untilNs)
    {
        PcpuWorker worker = _workers[cpu];
        long most = Math.Min(_clock.LeftNs, roomNs == long.MaxValue ? roomNs : Math.Max(roomNs / _workers.Count, 1));
        most = Math.Min(most >= long.MaxValue - nowNs ? long.MaxValue : nowNs + most, NextDeadline(nowNs, but: cpu));
        ulong before = _clock.Executed;
        Volatile.Write(ref _running, worker);
        VcpuSlot? chosen = worker.TryRun(nowNs, most, out untilNs);
        Volatile.Write(ref _running, null);
        if (chosen is null)
        {
            return false;
        }

        _usedNs[cpu] += (long)(_clock.Executed - before) + (worker.Spun && IsAnotherBusy(cpu) ? SpinNs : 0);
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

    // When the next timer of a CPU is due, or somebody's class may change there.
    private long NextDeadline(long nowNs, int but)
    {
        long next = long.MaxValue;
        for (int i = 0; i < _workers.Count; i++)
        {
            next = i == but ? next : Math.Min(next, _workers[i].NextDeadline(nowNs));
        }

        return next;
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
