using Bulkhead.Core;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Machine.Admission;

/// <summary>What Borrowed Virtual Time guarantees a vCPU.</summary>
internal static class BvtSchedule
{
    internal static VcpuSchedule Bound(CpuQueue queue, int index)
    {
        BvtVcpu[] vcpus = [.. queue.Vcpus.Select(static q => q.Domain.Share.BvtVcpu)];
        long allowance = queue.Pool.AllowanceNs;
        long overrun = queue.OverrunNs;
        bool isOne = queue.Mobility == Mobility.None;
        bool moves = queue.Mobility == Mobility.Itself;
        WaitBound level = isOne ? BvtBounds.Level(vcpus, index, allowance, overrun) : BvtPoolBounds.Level(vcpus, index, allowance, overrun, moves);
        WaitBound worst = isOne ? BvtBounds.Worst(vcpus, index, allowance, overrun) : BvtPoolBounds.Worst(vcpus, index, allowance, overrun, moves);
        DispatchTerm[] terms = queue.Terms(index, level, worst);
        BvtParameters own = vcpus[index].Own;
        double share = queue.FairShare ?? (double)own.Weight / vcpus.Sum(static v => v.Own.Weight);
        long loan = BvtBounds.LoanNs(vcpus, index) * own.Weight;
        return queue.Schedule(index, share, terms, level.Ns, worst.Ns, Cause(queue, index, terms)) with
        {
            LagNs = BvtBounds.LagNs(vcpus[index], allowance, overrun),
            LoanNs = loan,
            LevelHolds = Holds(queue.Vcpus[index].Domain, loan),
        };
    }

    private static string Holds(DomainConfig domain, long loanNs)
    {
        string share = loanNs == 0 ? "while it has not run beyond its share" : $"until it has run {Quantity.FormatDuration(loanNs)} beyond its share";
        return domain.WakeClass is { LimitNs: > 0 } woken ? $"{share}, or {Budget(woken)}" : share;
    }

    /// <summary>When a class's budget is used up, in words.</summary>
    internal static string Budget(ShareClass one) =>
        $"{Quantity.FormatDuration(one.LimitNs)} in class {one.Name} without {Quantity.FormatDuration(one.RestNs)} out of it";

    private static string Cause(CpuQueue queue, int index, DispatchTerm[] terms)
    {
        DomainConfig own = queue.Vcpus[index].Domain;
        if (terms.Where(static t => t.Vcpu >= 0).MaxBy(static t => t.LevelNs) is not { } most)
        {
            return string.Empty;
        }

        string time = Quantity.FormatDuration(most.LevelNs);
        string larger = own.WakeClass is { } woken ? $"give class {woken.Name} of {own.Name} a larger warp" : $"give {own.Name} a warp with a larger value";
        return most.Class is { } inClass
            ? $"{most.Domain}, vCPU {most.Vcpu} may run {time} in class {inClass} before it, since it warps at least as far; {larger}, or class {inClass} of {most.Domain} a smaller one, a lower limit or a longer rest, or another pool"
            : $"{most.Domain}, vCPU {most.Vcpu} may run {time} before it, since it warps at least as far"
            + $"; {larger} than that of any other domain of pool {queue.Pool.Name}, or {most.Domain} a smaller one, or another pool";
    }
}
