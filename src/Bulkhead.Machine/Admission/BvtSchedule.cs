using Bulkhead.Core;
using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Machine.Admission;

/// <summary>What Borrowed Virtual Time guarantees a vCPU.</summary>
internal static class BvtSchedule
{
    internal static VcpuSchedule Bound(CpuQueue queue, int index)
    {
        BvtParameters[] parameters = [.. queue.Vcpus.Select(static q => q.Domain.Share.Parameters)];
        long allowance = queue.Pool.AllowanceNs;
        long overrun = queue.OverrunNs;
        long[] level = new long[parameters.Length];
        long[] worst = new long[parameters.Length];
        bool moves = queue.Mobility == Mobility.Itself;
        long levelNs;
        long worstNs;
        if (queue.Mobility == Mobility.None)
        {
            for (int i = 0; i < parameters.Length; i++)
            {
                level[i] = i == index ? 0 : BvtBounds.TermNs(parameters, index, i, allowance, overrun, lagNs: 0, warped: true);
                worst[i] = i == index ? 0 : BvtBounds.WorstTermNs(parameters, index, i, allowance, overrun);
            }

            levelNs = BvtBounds.DispatchNs(parameters, index, allowance, overrun, lagNs: 0, warped: true);
            worstNs = BvtBounds.WorstDispatchNs(parameters, index, allowance, overrun);
        }
        else
        {
            levelNs = BvtPoolBounds.DispatchNs(parameters, index, allowance, overrun, lagNs: 0, warped: true, moves, level);
            worstNs = BvtPoolBounds.WorstDispatchNs(parameters, index, allowance, overrun, moves, worst);
        }

        DispatchTerm[] terms = queue.Terms(index, other => level[other], other => worst[other]);
        DispatchTerm[] withMove = moves && terms.Length > 0 ? [.. terms, new DispatchTerm("its move", -1, 2 * overrun, 2 * overrun)] : terms;
        double share = queue.FairShare ?? (double)parameters[index].Weight / parameters.Sum(static p => p.Weight);
        long loan = BvtBounds.LoanNs(parameters, index) * parameters[index].Weight;
        return queue.Schedule(index, share, withMove, levelNs, worstNs, Cause(queue, index, terms)) with
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
