using System.Runtime.InteropServices;

namespace Bulkhead.Host.Time;

/// <summary>A timer of CLOCK_MONOTONIC whose signal reaches one thread: it ends a vCPU's turn on time, or looks again and again what the
/// thread does.</summary>
/// <remarks>
/// <para>The handler is native code the engine gives (<see cref="Install"/>); C# never runs inside a signal. The signal
/// is real-time number 38 unless told otherwise: glibc keeps 32 and 33 for itself, the runtime uses 34.</para>
/// <para><i>Threading</i>: created on the thread it is for; <see cref="Arm"/> from any. <i>Cost</i>: a system call.</para>
/// </remarks>
public sealed unsafe class TurnTimer : IDisposable
{
    /// <summary>The signal used where nobody asks for another: SIGRTMIN + 4.</summary>
    public const int DefaultSignal = 38;

    /// <summary>The signal of timers that sample: SIGRTMIN + 5.</summary>
    public const int SampleSignal = 39;

    // Not a multiple of what guests and hosts tick at.
    private const long SampleNs = 1_001_003;

    private readonly nint* _aim;
    private nint _timer;

    private TurnTimer(nint timer, nint* aim)
    {
        _timer = timer;
        _aim = aim;
    }

    /// <summary>Registers the engine's handler for the whole process; must precede the first <see cref="Arm"/>.</summary>
    /// <param name="signal">The signal number.</param>
    /// <param name="handler">Native code with the signature <c>void (int, siginfo_t*, ucontext_t*)</c>, async-signal-safe.</param>
    public static void Install(int signal, nint handler)
    {
        TimeCalls.SignalHandler action = default;
        action.Handler = handler;
        action.Flags = TimeCalls.SaSiginfo | TimeCalls.SaOnStack | TimeCalls.SaRestart;

        // SAFETY: the struct has the C library's layout and size (TurnTimerTests).
        if (TimeCalls.SignalAction(signal, &action, null) != 0)
        {
            throw new OperatorException($"The host refused a handler for signal {signal} (errno {Marshal.GetLastPInvokeError()}).");
        }
    }

    /// <summary>Creates a timer that signals the calling thread.</summary>
    public static TurnTimer ForCurrentThread(int signal = DefaultSignal)
    {
        // Never freed: a signal under way may read it after the timer is gone.
        var aim = (nint*)NativeMemory.AllocZeroed((nuint)sizeof(nint));
        return new TurnTimer(TimeCalls.CreateForCurrentThread(signal, (nint)aim), aim);
    }

    /// <summary>Creates a timer that signals the calling thread about once a millisecond from now on.</summary>
    public static TurnTimer Sampling()
    {
        TurnTimer timer = ForCurrentThread(SampleSignal);
        TimeCalls.TimerSpec spec = default;
        spec.IntervalNanoseconds = SampleNs;
        spec.ValueNanoseconds = SampleNs;
        _ = TimeCalls.TimerSetTime(timer._timer, 0, &spec, null);
        return timer;
    }

    /// <summary>Sets the word the signal's value points to: what the handler is to act on, or 0.</summary>
    public void Aim(nint target) => Volatile.Write(ref *_aim, target);

    /// <summary>Sets the one expiry, in nanoseconds of CLOCK_MONOTONIC; a time that passed fires at once.</summary>
    public void Arm(long deadlineNs)
    {
        var spec = TimeCalls.TimerSpec.Once(deadlineNs);
        _ = TimeCalls.TimerSetTime(_timer, TimeCalls.TimerAbsolute, &spec, null);
    }

    /// <summary>Takes the expiry back; a signal already under way may still arrive.</summary>
    public void Disarm()
    {
        TimeCalls.TimerSpec spec = default;
        _ = TimeCalls.TimerSetTime(_timer, 0, &spec, null);
    }

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
