using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Machine.Configuration;
using Bulkhead.Scheduling.Edf;

namespace Bulkhead.Machine.Admission;

/// <summary>What reservations guarantee a vCPU.</summary>
internal static class EdfSchedule
{
    internal static VcpuSchedule Bound(CpuQueue queue, int index)
    {
        EdfParameters[] parameters = [.. queue.Vcpus.Select(static q => q.Domain.Share.EdfParameters)];
        EdfParameters own = parameters[index];
        long[] level = new long[queue.Count];
        long[] worst = new long[queue.Count];
        long levelNs = EdfBounds.LevelDispatchNs(parameters, index, queue.Pool.AllowanceNs, queue.OverrunNs, level);
        long worstNs = EdfBounds.WorstDispatchNs(parameters, index, queue.Pool.AllowanceNs, queue.OverrunNs, worst);
        List<DispatchTerm> terms = [.. queue.Terms(index, other => level[other], other => worst[other])];
        long byDeadline = levelNs > 0 && levelNs != long.MaxValue && level.All(static t => t == 0) ? levelNs : 0;
        if (byDeadline != 0)
        {
            terms = [new DispatchTerm(DispatchTerm.Deadline, -1, byDeadline, worst.Sum() - worst[index] == 0 ? byDeadline : 0), .. terms];
        }

        if (worst[index] != 0)
        {
            terms.Add(new DispatchTerm(DispatchTerm.Budget, -1, 0, worst[index]));
        }

        return queue.Schedule(index, Share(parameters, own), [.. terms], levelNs, worstNs, Cause(queue, parameters, index, level, levelNs)) with
        {
            LevelHolds = own.IsReserved
                ? $"while it has some of its {Quantity.FormatDuration(own.BudgetNs)} in {Quantity.FormatDuration(own.PeriodNs)} left"
                : string.Empty,
            Fault = Fault(queue, parameters, index),
        };
    }

    // Without a reservation: an equal part of what nobody reserved.
    private static double Share(EdfParameters[] parameters, EdfParameters own) =>
        own.IsReserved ? Part(own) : Math.Max(1 - parameters.Sum(Part), 0) / parameters.Count(static p => p.TakesExtra);

    private static double Part(EdfParameters one) => one.IsReserved ? (double)one.BudgetNs / one.PeriodNs : 0;

    private static string Cause(CpuQueue queue, EdfParameters[] parameters, int index, long[] level, long levelNs)
    {
        DomainConfig domain = queue.Vcpus[index].Domain;
        string wait = Quantity.FormatDuration(levelNs);
        if (!parameters[index].IsReserved)
        {
            return (levelNs == long.MaxValue ? "without a reservation it may never run" : $"without a reservation it may wait {wait} for what others leave")
                + $"; give {domain.Name} a reservation";
        }

        if (levelNs == long.MaxValue)
        {
            return $"{queue.CpuName} cannot keep its reservations; reduce their budgets, or use several CPUs";
        }

        int most = Array.IndexOf(level, level.Max());
        return level[most] == 0
            ? $"it may get its budget as late as {wait} after waking up, just before its deadline; give {domain.Name} a shorter period"
            : $"{queue.Name(most)} may run {Quantity.FormatDuration(level[most])} before it, with a deadline no later"
                + $"; give {domain.Name} a shorter period, or {queue.Vcpus[most].Domain.Name} a smaller budget, or another pool";
    }

    // Said once, of the vCPU that is one too many.
    private static string? Fault(CpuQueue queue, EdfParameters[] parameters, int index)
    {
        if (EdfBounds.Fits(parameters.AsSpan(0, index + 1)) || !EdfBounds.Fits(parameters.AsSpan(0, index)))
        {
            return null;
        }

        (DomainConfig domain, int vcpu) = queue.Vcpus[index];
        IEnumerable<string> parts = queue.Vcpus.Select((q, i) => (q, Part: Part(parameters[i]))).Where(static p => p.Part > 0)
            .Select(static p => $"{p.q.Domain.Name}/{p.q.Vcpu} {Percent(p.Part)}");
        return $"{domain.Reservation?.Place}: domain {domain.Name}, vCPU {vcpu}: does not fit on {queue.CpuName} with what is reserved before it: {string.Join(", ", parts)}"
            + $" make {Percent(parameters.Sum(Part))}, and there is 100%; reduce a budget, lengthen a period, or give the pool another CPU";
    }

    private static string Percent(double part) => (100 * part).ToString("0.####", CultureInfo.InvariantCulture) + "%";
}
