using System.Diagnostics;
using Bulkhead.Host.Threads;
using Bulkhead.Host.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Workers;

/// <summary>Turns end by a thread that sleeps until the deadline: for engines without a signal handler.</summary>
internal sealed class ThreadTurnTimer : ITurnTimer
{
    private readonly Action _onDeadline;
    private readonly DeadlineTimer _timer = new();
    private readonly Thread _thread;
    private long _deadlineNs = long.MaxValue;
    private bool _stop;

    internal ThreadTurnTimer(Action onDeadline)
    {
        _onDeadline = onDeadline;
        _thread = HostThread.Start(new Thread(Loop, 256 << 10) { IsBackground = true, Name = "deadline" });
    }

    public void Aim(IVcpu? vcpu)
    {
        // The callback asks the worker who runs.
    }

    public void Arm(long deadlineNs)
    {
        // A later deadline need not be said: the sleeper wakes once too early and looks again.
        if (Interlocked.Exchange(ref _deadlineNs, deadlineNs) > deadlineNs)
        {
            _timer.Set(deadlineNs);
        }
    }

    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        _timer.Set(0);
        _thread.Join();
        _timer.Dispose();
    }

    private void Loop()
    {
        HostThread.PreciseTimers();
        _ = HostThread.TryRealTime(2);
        while (!Volatile.Read(ref _stop))
        {
            _timer.Wait();
            while (!TakeDeadline())
            {
                // It moved meanwhile.
            }
        }
    }

    // Fires it where it is due, else sets the timer for it. False: it has to be looked at again.
    private bool TakeDeadline()
    {
        long deadline = Volatile.Read(ref _deadlineNs);
        if (deadline == long.MaxValue)
        {
            return true;
        }

        if (deadline > Stopwatch.GetTimestamp())
        {
            _timer.Set(deadline);
            return Volatile.Read(ref _deadlineNs) == deadline;
        }

        if (Interlocked.CompareExchange(ref _deadlineNs, long.MaxValue, deadline) == deadline)
        {
            _onDeadline();
        }

        return false;
    }
}
