using Bulkhead.Core;
using Bulkhead.Machine.Configuration;
using Bulkhead.Scheduling.FixedPriority;

namespace Bulkhead.Machine.Admission;

/// <summary>What fixed priorities guarantee a vCPU.</summary>
internal static class FixedPrioritySchedule
{
    internal static VcpuSchedule Bound(CpuQueue queue, int index)
    {
        FixedPriorityParameters[] parameters = [.. queue.Vcpus.Select(static q => q.Domain.Share.FixedPriorityParameters)];
        long[] each = new long[queue.Count];
        long wait = FixedPriorityBounds.DispatchNs(parameters, index, queue.Pool.AllowanceNs, queue.OverrunNs, each);
        DispatchTerm[] terms = queue.Terms(index, other => each[other], other => each[other]);
        return queue.Schedule(index, Share(parameters, index), terms, wait, wait, Cause(queue, parameters, index, each)) with
        {
            WorstHolds = parameters.Any(p => p.Priority > parameters[index].Priority)
                ? "while those above keep to what they declare"
                : "whatever anybody does",
        };
    }

    // What those above leave, in equal parts; nothing is sure where one of them declares nothing.
    private static double Share(FixedPriorityParameters[] parameters, int index)
    {
        double above = 0;
        int equals = 0;
        foreach (FixedPriorityParameters one in parameters)
        {
            above += one.Priority <= parameters[index].Priority ? 0 : one.IsDeclared ? (double)one.BudgetNs / one.PeriodNs : 1;
            equals += one.Priority == parameters[index].Priority ? 1 : 0;
        }

        return Math.Max(1 - above, 0) / equals;
    }

    private static string Cause(CpuQueue queue, FixedPriorityParameters[] parameters, int index, long[] each)
    {
        DomainConfig own = queue.Vcpus[index].Domain;
        int silent = Array.FindIndex(parameters, p => p.Priority > parameters[index].Priority && !p.IsDeclared);
        if (silent >= 0)
        {
            string other = queue.Vcpus[silent].Domain.Name;
            return $"{queue.Name(silent)} goes first with priority {parameters[silent].Priority} and declares no reservation, so may run for ever"
                + $"; declare how often and how long {other} runs, or give {own.Name} a priority above {parameters[silent].Priority}";
        }

        int most = Array.IndexOf(each, each.Max());
        (DomainConfig before, int priority) = (queue.Vcpus[most].Domain, parameters[most].Priority);
        string time = each[most] > long.MaxValue / 4 ? "without end" : Quantity.FormatDuration(each[most]);
        string fix = priority == FixedPriorityQueue.MaxPriority ? "another pool" : $"a priority above {priority}, or another pool";
        return $"{queue.Name(most)} may run {time} before it; give {own.Name} {fix}"
            + (before == own ? ", or fewer vCPUs" : $", or {before.Name} a lower one");
    }
}
