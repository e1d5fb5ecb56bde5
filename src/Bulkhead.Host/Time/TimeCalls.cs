using System.Runtime.InteropServices;

namespace Bulkhead.Host.Time;

/// <summary>The timer and signal calls of the C library.</summary>
internal static unsafe partial class TimeCalls
{
    private const long NsPerSecond = 1_000_000_000;

    internal const int ClockMonotonic = 1;
    internal const int TimerAbsolute = 1;
    internal const int SigevThreadId = 4;

    /// <summary>No timer's number: the first has 0.</summary>
    internal const nint NoTimer = -1;

    internal const int SaSiginfo = 4;
    internal const int SaOnStack = 0x0800_0000;
    internal const int SaRestart = 0x1000_0000;

    [LibraryImport("libc", EntryPoint = "timer_create", SetLastError = true)]
    internal static partial int TimerCreate(int clock, SignalEvent* signal, nint* timer);

    [LibraryImport("libc", EntryPoint = "timer_settime")]
    internal static partial int TimerSetTime(nint timer, int flags, TimerSpec* value, TimerSpec* old);

    [LibraryImport("libc", EntryPoint = "timer_delete")]
    internal static partial int TimerDelete(nint timer);

    [LibraryImport("libc", EntryPoint = "sigaction", SetLastError = true)]
    internal static partial int SignalAction(int signal, SignalHandler* action, SignalHandler* old);

    [LibraryImport("libc", EntryPoint = "gettid")]
    internal static partial int GetThreadId();

    /// <summary>A timer of CLOCK_MONOTONIC that signals the calling thread.</summary>
    internal static nint CreateForCurrentThread(int signal, nint value)
    {
        SignalEvent e = default;
        e.Value = value;
        e.Signal = signal;
        e.Notify = SigevThreadId;
        e.ThreadId = GetThreadId();
        nint timer;

        // SAFETY: the struct has the C library's layout and size (TurnTimerTests).
        return TimerCreate(ClockMonotonic, &e, &timer) == 0
            ? timer
            : throw new OperatorException($"The host refused a timer: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
    }

    /// <summary>struct itimerspec: interval, then first expiry.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TimerSpec
    {
        internal long IntervalSeconds;
        internal long IntervalNanoseconds;
        internal long ValueSeconds;
        internal long ValueNanoseconds;

        /// <summary>One expiry, at a time that is not before the first nanosecond: all zero would disarm.</summary>
        internal static TimerSpec Once(long ns) => new()
        {
            ValueSeconds = Math.Max(ns, 1) / NsPerSecond,
            ValueNanoseconds = Math.Max(ns, 1) % NsPerSecond,
        };
    }

    /// <summary>struct sigevent with a thread id (Linux, 64 bytes).</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    internal struct SignalEvent
    {
        internal nint Value;
        internal int Signal;
        internal int Notify;
        internal int ThreadId;
    }

    /// <summary>struct sigaction of glibc on x86-64 (152 bytes).</summary>
    [StructLayout(LayoutKind.Sequential, Size = 152)]
    internal struct SignalHandler
    {
        internal nint Handler;
        internal fixed ulong Mask[16];
        internal int Flags;
        internal nint Restorer;
    }
}
