using Bulkhead.Core;
using Bulkhead.Scheduling;

namespace Bulkhead.Machine.Admission;

/// <summary>What Borrowed Virtual Time guarantees a vCPU.</summary>
internal static class BvtSchedule
{
    internal static VcpuSchedule Bound(CpuQueue queue, int index)
    {
        BvtParameters[] parameters = [.. queue.Vcpus.Select(static q => q.Domain.Share.Parameters)];
        long allowance = queue.Pool.AllowanceNs;
        long overrun = queue.OverrunNs;
        DispatchTerm[] terms = queue.Terms(
            index,
            other => BvtBounds.TermNs(parameters, index, other, allowance, overrun, lagNs: 0, warped: true),
            other => BvtBounds.WorstTermNs(parameters, index, other, allowance, overrun));
        long level = BvtBounds.DispatchNs(parameters, index, allowance, overrun, lagNs: 0, warped: true);
        long worst = BvtBounds.WorstDispatchNs(parameters, index, allowance, overrun);
        double share = (double)parameters[index].Weight / parameters.Sum(static p => p.Weight);
        long loan = BvtBounds.LoanNs(parameters, index) * parameters[index].Weight;
        return queue.Schedule(index, share, terms, level, worst, Cause(queue, index, terms)) with
        {
            LagNs = BvtBounds.LagNs(parameters[index], allowance, overrun),
            LoanNs = loan,
            LevelHolds = loan == 0 ? "while it has not run beyond its share" : $"until it has run {Quantity.FormatDuration(loan)} beyond its share",
        };
    }

    private static string Cause(CpuQueue queue, int index, DispatchTerm[] terms)
    {
        string name = queue.Vcpus[index].Domain.Name;
        return terms.MaxBy(static t => t.LevelNs) is not { } most ? string.Empty
            : $"{most.Domain}, vCPU {most.Vcpu} may run {Quantity.FormatDuration(most.LevelNs)} before it, since it warps at least as far"
            + $"; give {name} a warp with a larger value than that of any other domain of pool {queue.Pool.Name}, or {most.Domain} a smaller one, or another pool";
    }
}
