using System.Diagnostics;
using Bulkhead.Host.Threads;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Workers;

/// <summary>Turns end by a thread that sleeps until the deadline: for engines without a signal handler.</summary>
internal sealed class ThreadTurnTimer : ITurnTimer
{
    private readonly Action _onDeadline;
    private readonly WakeWord _word = new();
    private readonly Thread _thread;
    private long _deadlineNs = long.MaxValue;
    private bool _stop;

    internal ThreadTurnTimer(Action onDeadline)
    {
        _onDeadline = onDeadline;
        _thread = new Thread(Loop, 256 << 10) { IsBackground = true, Name = "deadline" };
        _thread.Start();
    }

    public void Aim(IVcpu? vcpu)
    {
        // The callback asks the worker who runs.
    }

    public void Arm(long deadlineNs)
    {
        // A later deadline needs no ring: the sleeper wakes once too early and looks again.
        if (Interlocked.Exchange(ref _deadlineNs, deadlineNs) > deadlineNs)
        {
            _word.Ring();
        }
    }

    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        _word.Ring();
        _thread.Join();
    }

    private void Loop()
    {
        HostThread.PreciseTimers();
        _ = HostThread.TryRealTime(2);
        while (!Volatile.Read(ref _stop))
        {
            long deadline = Volatile.Read(ref _deadlineNs);
            if (deadline <= Stopwatch.GetTimestamp())
            {
                if (Interlocked.CompareExchange(ref _deadlineNs, long.MaxValue, deadline) == deadline)
                {
                    _onDeadline();
                }
            }
            else
            {
                _word.Wait(deadline);
            }
        }
    }
}
