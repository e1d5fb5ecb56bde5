using Bulkhead.Core;
using Bulkhead.Machine.Configuration;
using Bulkhead.Scheduling;
using Bulkhead.Scheduling.FixedPriority;

namespace Bulkhead.Machine.Admission;

/// <summary>What fixed priorities guarantee a vCPU.</summary>
internal static class FixedPrioritySchedule
{
    internal static VcpuSchedule Bound(CpuQueue queue, int index)
    {
        FixedPriorityVcpu[] vcpus = [.. queue.Vcpus.Select(static q => q.Domain.Share.FixedPriorityVcpu)];
        WaitBound level = FixedPriorityBounds.Level(vcpus, index, queue.Pool.AllowanceNs, queue.OverrunNs);
        WaitBound worst = FixedPriorityBounds.Worst(vcpus, index, queue.Pool.AllowanceNs, queue.OverrunNs);
        string promises = vcpus.Any(v => v.Own.Priority > vcpus[index].WorstPriority)
            ? "while those above keep to what they declare"
            : "whatever anybody does";
        return queue.Schedule(index, Share(vcpus, index), queue.Terms(index, level, worst), level.Ns, worst.Ns, Cause(queue, vcpus, index, level)) with
        {
            WorstHolds = promises,
            LevelHolds = queue.Vcpus[index].Domain.WakeClass is { LimitNs: > 0 } woken ? $"until it has run {BvtSchedule.Budget(woken)}" : promises,
        };
    }

    // What those above leave, in equal parts; nothing is sure where one of them declares nothing. Classes take what their budgets say.
    private static double Share(FixedPriorityVcpu[] vcpus, int index)
    {
        int priority = vcpus[index].Own.Priority;
        double above = 0;
        int equals = 0;
        for (int i = 0; i < vcpus.Length; i++)
        {
            FixedPriorityParameters own = vcpus[i].Own;
            double byClasses = vcpus[i].Classes.Where(c => c.Priority > priority).Sum(static c => c.Rule.Budget.Share);
            above += i == index ? 0
                : own.Priority > priority ? own.IsDeclared ? (double)own.BudgetNs / own.PeriodNs : 1
                : byClasses;
            equals += own.Priority == priority || vcpus[i].Classes.Any(c => c.Priority == priority) ? 1 : 0;
        }

        return Math.Max(1 - above, 0) / equals;
    }

    private static string Cause(CpuQueue queue, FixedPriorityVcpu[] vcpus, int index, WaitBound level)
    {
        DomainConfig own = queue.Vcpus[index].Domain;
        int wakesWith = vcpus[index].LevelPriority;
        int silent = Array.FindIndex(vcpus, v => v.Own.Priority > wakesWith && !v.Own.IsDeclared);
        if (silent >= 0)
        {
            string other = queue.Vcpus[silent].Domain.Name;
            int goesFirst = vcpus[silent].Own.Priority;
            return $"{queue.Name(silent)} goes first with priority {goesFirst} and declares no reservation, so may run for ever"
                + $"; declare how often and how long {other} runs, or give {own.Name} a priority above {goesFirst}";
        }

        if (level.Terms.Count == 0)
        {
            return string.Empty; // alone
        }

        WaitTerm term = level.Terms.MaxBy(static t => t.Ns);
        (int most, int priority) = (term.Vcpu, vcpus[term.Vcpu].PriorityIn(term.Class));
        DomainConfig before = queue.Vcpus[most].Domain;
        string time = term.Ns > long.MaxValue / 4 ? "without end" : Quantity.FormatDuration(term.Ns);
        string fix = priority == FixedPriorityQueue.MaxPriority ? "another pool" : $"a priority above {priority}, or another pool";
        if (term.Class > 0)
        {
            string name = before.Classes[term.Class - 1].Name;
            return $"{queue.Name(most)} may run {time} in class {name} before it; give {own.Name} {fix}, or class {name} of {before.Name} a lower limit or a longer rest";
        }

        return $"{queue.Name(most)} may run {time} before it; give {own.Name} {fix}"
            + (before == own ? ", or fewer vCPUs" : $", or {before.Name} a lower one");
    }
}
