using System.Runtime.InteropServices;

namespace Bulkhead.Host.Threads;

/// <summary>The scheduling and futex calls of the C library.</summary>
internal static unsafe partial class ThreadCalls
{
    internal const int MaskBytes = 128;
    internal const int SchedOther = 0;
    internal const int SchedRoundRobin = 2;
    internal const int ThreadCpuClock = 3;
    internal const int SetTimerSlack = 29;
    internal const long Futex = 202;
    internal const int FutexWakePrivate = 1 | 128;
    internal const int FutexWaitBitsetPrivate = 9 | 128;

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    internal static partial int SetAffinity(int thread, nuint size, byte* mask);

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    internal static partial int GetAffinity(int thread, nuint size, byte* mask);

    [LibraryImport("libc", EntryPoint = "sched_setscheduler", SetLastError = true)]
    internal static partial int SetScheduler(int thread, int policy, int* priority);

    internal const int OfThread = 0; // PRIO_PROCESS, which on Linux is a thread

    [LibraryImport("libc", EntryPoint = "setpriority")]
    internal static partial int SetPriority(int which, int who, int nice);

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    internal static partial int GetCpu();

    [LibraryImport("libc", EntryPoint = "gettid")]
    internal static partial int GetThreadId();

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    internal static partial int ClockGetTime(int clock, TimeSpec* time);

    [LibraryImport("libc", EntryPoint = "prctl")]
    internal static partial int ProcessControl(int option, ulong value, ulong unused1, ulong unused2, ulong unused3);

    [LibraryImport("libc", EntryPoint = "syscall")]
    internal static partial long SystemCall(long number, int* word, long operation, long value, TimeSpec* timeout, nint unused, long mask);

    /// <summary>struct timespec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TimeSpec
    {
        internal long Seconds;
        internal long Nanoseconds;
    }
}
