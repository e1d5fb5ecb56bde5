namespace Bulkhead.Host.Time;

/// <summary>A timer whose signal reaches one thread again and again: its handler notes what the thread does.</summary>
/// <remarks><i>Threading</i>: created on the thread it is for. The handler is native code the engine gives
/// (<see cref="TurnTimer.Install"/>, with <see cref="Signal"/>).</remarks>
public sealed unsafe class SampleTimer : IDisposable
{
    /// <summary>The signal: SIGRTMIN + 5.</summary>
    public const int Signal = 39;

    /// <summary>Between two samples, in nanoseconds; not a multiple of what guests and hosts tick at.</summary>
    public const long IntervalNs = 1_001_003;

    private readonly nint* _aim;
    private nint _timer;

    private SampleTimer(nint timer, nint* aim)
    {
        _timer = timer;
        _aim = aim;
    }

    /// <summary>Creates and starts a timer for the calling thread.</summary>
    public static SampleTimer ForCurrentThread()
    {
        // Never freed: a signal under way may read it after the timer is gone.
        var aim = (nint*)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)sizeof(nint));
        nint timer = TimeCalls.CreateForCurrentThread(Signal, (nint)aim);
        TimeCalls.TimerSpec spec = default;
        spec.IntervalNanoseconds = IntervalNs;
        spec.ValueNanoseconds = IntervalNs;
        _ = TimeCalls.TimerSetTime(timer, 0, &spec, null);
        return new SampleTimer(timer, aim);
    }

    /// <summary>Sets the word the signal's value points to: whose turn it is, or 0.</summary>
    public void Aim(nint target) => Volatile.Write(ref *_aim, target);

    /// <inheritdoc/>
    public void Dispose()
    {
        nint timer = Interlocked.Exchange(ref _timer, TimeCalls.NoTimer);
        if (timer != TimeCalls.NoTimer)
        {
            Aim(0);
            _ = TimeCalls.TimerDelete(timer);
        }
    }
}
