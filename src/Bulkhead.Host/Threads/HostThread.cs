namespace Bulkhead.Host.Threads;

/// <summary>Where and how the calling thread runs.</summary>
public static unsafe class HostThread
{
    /// <summary>Starts a thread, and returns it.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where the host has none to give.</remarks>
    public static Thread Start(Thread thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        try
        {
            thread.Start();
            return thread;
        }
        catch (OutOfMemoryException e)
        {
            throw new OperatorException("The host gives this process no more threads; raise the limit of processes (ulimit -u, or pids.max of its cgroup).", e);
        }
    }

    /// <summary>The CPUs the calling thread may use, ascending.</summary>
    public static int[] AllowedCpus()
    {
        byte* mask = stackalloc byte[ThreadCalls.MaskBytes];
        new Span<byte>(mask, ThreadCalls.MaskBytes).Clear();

        // SAFETY: the kernel writes at most the size given.
        if (ThreadCalls.GetAffinity(0, ThreadCalls.MaskBytes, mask) < 0)
        {
            return [0];
        }

        var cpus = new List<int>();
        for (int i = 0; i < ThreadCalls.MaskBytes * 8; i++)
        {
            if ((mask[i >> 3] & (1 << (i & 7))) != 0)
            {
                cpus.Add(i);
            }
        }

        return [.. cpus];
    }

    /// <summary>Binds the calling thread, and those it creates from now on, to CPUs; false where the host refuses.</summary>
    public static bool TryPin(params ReadOnlySpan<int> cpus)
    {
        byte* mask = stackalloc byte[ThreadCalls.MaskBytes];
        new Span<byte>(mask, ThreadCalls.MaskBytes).Clear();
        foreach (int cpu in cpus)
        {
            if ((uint)cpu >= ThreadCalls.MaskBytes * 8)
            {
                return false;
            }

            mask[cpu >> 3] |= (byte)(1 << (cpu & 7));
        }

        return ThreadCalls.SetAffinity(0, ThreadCalls.MaskBytes, mask) == 0;
    }

    /// <summary>Gives the calling thread the fixed real-time priority (1..99); false where that is not permitted.</summary>
    /// <remarks>SCHED_RR, so that two processes that both want a CPU for good share it rather than one of them having it all.</remarks>
    public static bool TryRealTime(int priority) => TryRealTime(0, priority);

    /// <summary>The same for any thread of this process, by <see cref="Id"/>.</summary>
    public static bool TryRealTime(int thread, int priority) => ThreadCalls.SetScheduler(thread, ThreadCalls.SchedRoundRobin, &priority) == 0;

    /// <summary>Makes the calling thread an ordinary one again.</summary>
    public static void BeOrdinary()
    {
        int none = 0;
        _ = ThreadCalls.SetScheduler(0, ThreadCalls.SchedOther, &none);
    }

    /// <summary>Has the calling thread go behind other ordinary ones, for good.</summary>
    public static void BeNice() => _ = ThreadCalls.SetPriority(ThreadCalls.OfThread, ThreadCalls.GetThreadId(), 10);

    /// <summary>The CPU the calling thread runs on at this moment.</summary>
    public static int CurrentCpu() => ThreadCalls.GetCpu();

    /// <summary>The calling thread, as the kernel names it.</summary>
    public static int Id() => ThreadCalls.GetThreadId();

    /// <summary>Whether threads of this process may have a real-time priority.</summary>
    public static bool MayBeRealTime(int priority)
    {
        // On a thread that ends, so that the calling one stays what it is.
        bool may = false;
        var thread = new Thread(() => may = TryRealTime(priority), 256 << 10);
        Start(thread).Join();
        return may;
    }

    /// <summary>The CPU time the calling thread has used, in nanoseconds.</summary>
    public static long CpuTimeNs()
    {
        ThreadCalls.TimeSpec time;

        // SAFETY: the kernel writes a struct timespec.
        return ThreadCalls.ClockGetTime(ThreadCalls.ThreadCpuClock, &time) == 0 ? (time.Seconds * 1_000_000_000) + time.Nanoseconds : 0;
    }

    /// <summary>Asks the kernel not to delay this thread's timers (50 µs by default).</summary>
    public static void PreciseTimers() => _ = ThreadCalls.ProcessControl(ThreadCalls.SetTimerSlack, 1, 0, 0, 0);
}
