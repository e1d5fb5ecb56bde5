namespace Bulkhead.Host.Threads;

/// <summary>One thread sleeps until rung, or until a time of CLOCK_MONOTONIC; any thread rings.</summary>
/// <remarks>
/// <i>Shape</i>: a futex word, 1 while rung. A ring is never lost: it makes the next <see cref="Wait"/> return at once.
/// <i>Cost</i>: a ring without a sleeper is one atomic exchange.
/// </remarks>
public sealed unsafe class WakeWord
{
    private const int Quiet = 0;
    private const int Rung = 1;
    private const int Asleep = -1;
    private const long NsPerSecond = 1_000_000_000;
    private const int LineInts = 16;

    // Pinned, so that the kernel may have its address, and alone on its cache line; the collector keeps it for late ringers.
    private readonly int[] _words = GC.AllocateArray<int>(3 * LineInts, pinned: true);

    private ref int Word => ref _words[LineInts];

    /// <summary>Whether somebody rang since the last <see cref="Clear"/> or <see cref="Wait"/>.</summary>
    public bool IsRung => Volatile.Read(ref Word) == Rung;

    /// <summary>Wakes the sleeper, or the next one.</summary>
    public void Ring()
    {
        // SAFETY: the array is pinned and kept by this object (WakeWordTests).
        if (Interlocked.Exchange(ref Word, Rung) == Asleep)
        {
            _ = ThreadCalls.SystemCall(ThreadCalls.Futex, Address, ThreadCalls.FutexWakePrivate, 1, null, 0, 0);
        }
    }

    /// <summary>Forgets a ring: what it announced is looked at after this call.</summary>
    public void Clear() => Interlocked.Exchange(ref Word, Quiet);

    /// <summary>Sleeps until rung or <paramref name="untilNs"/>; then forgets the ring.</summary>
    public void Wait(long untilNs)
    {
        if (Interlocked.CompareExchange(ref Word, Asleep, Quiet) == Quiet)
        {
            long ns = Math.Max(untilNs, 0);
            ThreadCalls.TimeSpec time = new() { Seconds = ns / NsPerSecond, Nanoseconds = ns % NsPerSecond };
            _ = ThreadCalls.SystemCall(
                ThreadCalls.Futex, Address, ThreadCalls.FutexWaitBitsetPrivate, unchecked((uint)Asleep),
                untilNs == long.MaxValue ? null : &time, 0, -1);
        }

        Clear();
    }

    private int* Address => (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref Word);
}
