using System.Diagnostics;
using Bulkhead.Core;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling.Arinc653;

namespace Bulkhead.Machine.Admission;

/// <summary>What time partitions guarantee a vCPU.</summary>
internal static class Arinc653Schedule
{
    internal static VcpuSchedule Bound(CpuQueue queue, int index)
    {
        TimeFrame times = queue.Pool.Frame ?? throw new UnreachableException("A pool of time partitions without a frame.");
        MajorFrame frame = Arinc653Policy.MajorFrame(times);
        DomainConfig own = queue.Vcpus[index].Domain;
        int partition = Array.IndexOf(Arinc653Policy.Partitions(times), own.Name);
        int peers = queue.Vcpus.Count(q => q.Domain == own) - 1;
        long wait = PartitionBounds.WorstDispatchNs(frame, partition, peers, queue.Pool.AllowanceNs, queue.OverrunNs);
        long gap = PartitionBounds.WorstDispatchNs(frame, partition, 0, queue.Pool.AllowanceNs, queue.OverrunNs);
        List<DispatchTerm> terms = [new DispatchTerm(DispatchTerm.Window, -1, gap, gap)];
        if (wait != gap)
        {
            terms.Add(new DispatchTerm(DispatchTerm.Peers, -1, wait - gap, wait - gap));
        }

        double share = (double)PartitionBounds.WindowNs(frame, partition) / frame.LengthNs / (peers + 1);
        return queue.Schedule(index, share, [.. terms], wait, wait, Cause(queue, own.Name, gap, wait));
    }

    private static string Cause(CpuQueue queue, string name, long gapNs, long waitNs) =>
        gapNs == long.MaxValue ? $"its windows are shorter than turns may take to end; give {name} longer windows in the frame of pool {queue.Pool.Name}"
        : waitNs - gapNs > gapNs ? $"its own other vCPUs may run {Quantity.FormatDuration(waitNs - gapNs)} before it; give {name} fewer vCPUs, or pool {queue.Pool.Name} more CPUs or a shorter allowance"
        : $"its next window may be {Quantity.FormatDuration(gapNs)} away; give {name} windows closer to each other in the frame of pool {queue.Pool.Name}";
}
