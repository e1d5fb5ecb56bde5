using Bulkhead.Host.Threads;

namespace Bulkhead.Machine.Workers;

/// <summary>What the host took of a worker's time.</summary>
/// <remarks>
/// Time that passes while the thread's own CPU time stands still, idle waits aside. It is looked at after long turns only, which
/// is where it matters, since asking the kernel costs some 150 ns. What is below the kernel, such as a hypervisor, hides there; a timer
/// that rings late shows it. <i>Threading</i>: the worker.
/// </remarks>
internal sealed class StolenTime
{
    private const long LookNs = 1_000_000;

    private long _wallNs;
    private long _cpuNs;
    private bool _known;

    /// <summary>The worker slept.</summary>
    internal void Forget() => _known = false;

    /// <summary>A turn begins.</summary>
    internal void Begin(long nowNs)
    {
        if (!_known)
        {
            (_known, _wallNs, _cpuNs) = (true, nowNs, HostThread.CpuTimeNs());
        }
    }

    /// <summary>A turn ended; what was stolen since the last look, where it is time to look, or the time its timer was late.</summary>
    internal long End(long nowNs, long lateNs)
    {
        long wall = nowNs - _wallNs;
        if (wall < LookNs)
        {
            return Math.Max(lateNs, 0);
        }

        long cpu = HostThread.CpuTimeNs();
        long stolen = Math.Max(wall - (cpu - _cpuNs), 0);
        (_wallNs, _cpuNs) = (nowNs, cpu);
        return Math.Max(stolen, lateNs);
    }
}
