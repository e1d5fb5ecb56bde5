using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Threads;

/// <summary>One thread sleeps until rung, or until a file descriptor has something; any thread rings.</summary>
/// <remarks><i>Shape</i>: an eventfd, written only where the thread sleeps. A ring is never lost: it makes the next <see cref="Wait"/> return
/// at once. <i>Cost</i>: a ring without a sleeper is one atomic exchange.</remarks>
public sealed unsafe partial class PollBell : IDisposable
{
    private const int Quiet = 0;
    private const int Rung = 1;
    private const int Asleep = -1;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const long NsPerSecond = 1_000_000_000;

    private readonly SafeFileHandle _event = new(EventFd(0, CloseOnExec | NonBlocking), ownsHandle: true);
    private int _state;

    /// <summary>Wakes the sleeper, or the next one.</summary>
    public void Ring()
    {
        if (TryNote())
        {
            Wake();
        }
    }

    /// <summary>Sleeps until rung, until one of <paramref name="events"/> or until <paramref name="untilNs"/>; then forgets the ring.</summary>
    public void Wait(SafeHandle? handle, PollEvents events, long untilNs = long.MaxValue)
    {
        if (Interlocked.CompareExchange(ref _state, Asleep, Quiet) == Quiet)
        {
            PollEntry* entries = stackalloc PollEntry[2];
            entries[0] = new PollEntry { Descriptor = (int)_event.DangerousGetHandle(), Events = (short)PollEvents.Readable };
            int count = 1;
            if (handle is not null && events != PollEvents.None)
            {
                entries[count++] = new PollEntry { Descriptor = (int)handle.DangerousGetHandle(), Events = (short)events };
            }

            // SAFETY: the kernel writes the entries given; the caller keeps the handle while its thread waits.
            long leftNs = Math.Max(untilNs - Stopwatch.GetTimestamp(), 0);
            ThreadCalls.TimeSpec left = new() { Seconds = leftNs / NsPerSecond, Nanoseconds = leftNs % NsPerSecond };
            if (Poll(entries, (nuint)count, untilNs == long.MaxValue ? null : &left, 0) > 0 && (entries[0].Returned & (short)PollEvents.Readable) != 0)
            {
                // What a ring writes after its sleeper woke for something else is found by the next one.
                ulong drained;
                _ = Read((int)_event.DangerousGetHandle(), &drained, sizeof(ulong));
            }
        }

        _ = Interlocked.Exchange(ref _state, Quiet);
    }

    /// <inheritdoc/>
    public void Dispose() => _event.Dispose();

    /// <summary>The first half of a ring; true where somebody sleeps, whom the other half wakes.</summary>
    internal bool TryNote() => Interlocked.Exchange(ref _state, Rung) == Asleep;

    /// <summary>The other half. The sleeper may have woken meanwhile, and even disposed this.</summary>
    internal void Wake()
    {
        ulong one = 1;
        bool held = false;
        try
        {
            _event.DangerousAddRef(ref held);

            // SAFETY: eight bytes of this frame are read; the handle is held (PollBellTests).
            _ = Write((int)_event.DangerousGetHandle(), &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // nobody sleeps here any more
        }
        finally
        {
            if (held)
            {
                _event.DangerousRelease();
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int EventFd(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(int descriptor, void* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int descriptor, void* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "ppoll")]
    private static partial int Poll(PollEntry* entries, nuint count, ThreadCalls.TimeSpec* timeout, nint noMask);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        internal int Descriptor;
        internal short Events;
        internal short Returned;
    }
}
