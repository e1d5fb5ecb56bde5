using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Time;

/// <summary>One thread sleeps until a time of CLOCK_MONOTONIC, which any thread moves without waking it.</summary>
/// <remarks><i>Shape</i>: a timerfd. <i>Cost</i>: a system call each.</remarks>
public sealed unsafe partial class DeadlineTimer : IDisposable
{
    private const int CloseOnExec = 0x80000;

    private readonly SafeFileHandle _file = new(Create(TimeCalls.ClockMonotonic, CloseOnExec), ownsHandle: true);

    /// <summary>Creates one that is due never.</summary>
    public DeadlineTimer()
    {
        if (_file.IsInvalid)
        {
            throw new OperatorException($"The host refused a timer: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }
    }

    /// <summary>Sets when it is due, in nanoseconds; a time that passed is due at once.</summary>
    public void Set(long dueNs)
    {
        var spec = TimeCalls.TimerSpec.Once(dueNs);

        // SAFETY: the kernel reads one struct of its layout (TurnTimerTests).
        _ = SetTime(_file, TimeCalls.TimerAbsolute, &spec, null);
    }

    /// <summary>Sleeps until it is due; it is due once for each <see cref="Set"/>.</summary>
    public void Wait()
    {
        ulong times;

        // SAFETY: the kernel writes eight bytes.
        _ = Read(_file, &times, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    [LibraryImport("libc", EntryPoint = "timerfd_create", SetLastError = true)]
    private static partial int Create(int clock, int flags);

    [LibraryImport("libc", EntryPoint = "timerfd_settime")]
    private static partial int SetTime(SafeFileHandle file, int flags, TimeCalls.TimerSpec* value, TimeCalls.TimerSpec* old);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(SafeFileHandle file, void* buffer, nuint size);
}
