using System.Globalization;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>How long the thread that runs a CPU's vCPUs waited for that CPU: what the host gave to others, or held back.</summary>
/// <remarks><i>Source</i>: Linux, Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat.</remarks>
internal static class WorkerWait
{
    /// <summary>Its waits so far, in nanoseconds; 0 where there is no such thread.</summary>
    internal static long LookNs(int process, int cpu)
    {
        string? thread = Directory.EnumerateDirectories($"/proc/{process}/task").FirstOrDefault(t => File.ReadAllText($"{t}/comm").TrimEnd() == $"pcpu{cpu}");
        return thread is null ? 0 : Parse(File.ReadAllText($"{thread}/schedstat"));
    }

    /// <summary>The second figure of a line of <c>schedstat</c>: time run, time waited, turns.</summary>
    internal static long Parse(string line) => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
}
