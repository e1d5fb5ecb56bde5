namespace Bulkhead.Machine.Admission;

/// <summary>What a CPU of its own guarantees a vCPU: everything, where it has one.</summary>
internal static class NullSchedule
{
    internal static VcpuSchedule Bound(CpuQueue queue, int index)
    {
        long wait = queue.Count == 1 ? 0 : long.MaxValue;
        const string Cause = "it has no CPU of its own";
        return queue.Schedule(index, queue.Count == 1 ? 1 : 0, [], wait, wait, Cause) with { Fault = Fault(queue, index) };
    }

    // Said once, of the second vCPU of a CPU that is dealt several: where none is bound to a CPU, that is the first.
    private static string? Fault(CpuQueue queue, int index) => index != 1 || (queue.Cpu != 0 && queue.Vcpus[1].Domain.Cpus.Count == 0)
        ? null
        : $"{queue.Pool.Place}: pool {queue.Pool.Name}: policy null gives each vCPU a CPU of its own, but {queue.Name(1)} would share one with {queue.Name(0)}"
            + $"; give the pool a CPU for each of its vCPUs (it has {queue.Pool.CpuCount}), or another policy";
}
