using Bulkhead.Host.Threads;

namespace Bulkhead.Machine.Workers;

/// <summary>The host priority of a worker: real-time while a vCPU that must answer in time runs, or may come at once; ordinary while others run.</summary>
/// <remarks>
/// <para>So that guests that compute share the CPU with the host's processes as these do among themselves, and the kernel has no
/// reason to stop us for the sake of those (it gives them 50 ms of a second in which real-time threads would have taken all).
/// Whoever has news for a worker that is ordinary raises it first; for deadlines a thread that is always real-time does.</para>
/// <para>To change the priority twice, with that thread, costs as much as a guest's tick. So an ordinary vCPU that wakes up has the
/// real-time priority lent: a part of what the worker slept before, and not for long.</para>
/// <para><i>Threading</i>: the worker's thread, but for <see cref="Raise"/>, which is any's. <i>Cost</i>: a system call at each change.</para>
/// </remarks>
internal sealed class WorkerPriority(int priority)
{
    private const int IdlePart = 8;
    private const long MostLentNs = 500_000;
    private const long LeastLentNs = 100_000;

    private long _lentNs;
    private int _thread;
    private bool _permitted;
    private int _ordinary;

    /// <summary>Whether the worker is ordinary now, and can be more.</summary>
    internal bool IsOrdinary => Volatile.Read(ref _ordinary) != 0;

    /// <summary>How long a vCPU that need not answer may run without a change of priority; 0 where that is no longer worth while, the worker
    /// is ordinary already, or never more.</summary>
    internal long LentNs => _permitted && !IsOrdinary && _lentNs >= LeastLentNs ? _lentNs : 0;

    /// <summary>The worker had nobody to run for so long.</summary>
    internal void NoteIdle(long ns) => _lentNs = Math.Min(_lentNs + (ns / IdlePart), MostLentNs);

    /// <summary>A vCPU that need not answer ran for so long.</summary>
    internal void NoteRan(long ns) => _lentNs = Math.Max(_lentNs - ns, 0);

    /// <summary>The worker's thread begins.</summary>
    internal void Begin()
    {
        _thread = HostThread.Id();
        _permitted = priority > 0 && HostThread.TryRealTime(priority);
    }

    /// <summary>The worker is going to be ordinary: from now on it is raised. True where <see cref="BeOrdinary"/> has to follow, once whoever
    /// raises it knows when; else it was ordinary already, or is never more.</summary>
    internal bool TryPrepareOrdinary() => _permitted && Interlocked.Exchange(ref _ordinary, 1) == 0;

    /// <summary>Makes it ordinary; another thread may have the CPU before this returns.</summary>
    internal void BeOrdinary()
    {
        HostThread.BeOrdinary();

        // Raised in between, it is ordinary all the same.
        if (!IsOrdinary)
        {
            _ = HostThread.TryRealTime(priority);
        }
    }

    /// <summary>Makes the worker real-time, where it is ordinary.</summary>
    internal void Raise()
    {
        if (IsOrdinary && Interlocked.Exchange(ref _ordinary, 0) != 0)
        {
            _ = HostThread.TryRealTime(_thread, priority);
        }
    }
}
