using Bulkhead.Cli.Control;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Tracing;

namespace Bulkhead.Cli.Systems;

/// <summary>Holds a wait against the bound that held then.</summary>
internal static class WaitReports
{
    private const int Most = 8;

    /// <summary>Explains the longest of a domain's waits, those under the rules that hold now first.</summary>
    internal static IReadOnlyList<WaitReport> Longest(IReadOnlyList<WaitRecord> waits, string domain, long nowNs) =>
    [
        .. waits.OrderByDescending(static w => w.WaitedNs).GroupBy(static w => w.IsCurrent).OrderByDescending(static g => g.Key)
            .SelectMany(static g => g.Take(Most)).Select(w => Explain(w, domain, nowNs)),
    ];

    /// <summary>Explains one wait of a domain's by the terms of the vCPU's bound, in the words of the policy.</summary>
    internal static WaitReport Explain(WaitRecord wait, string domain, long nowNs)
    {
        PoolEra? era = wait.Era is PoolEra one && one.Covers(wait.WokenNs) ? one : null;
        VcpuSchedule? schedule = era?.Of(domain, wait.Vcpu);
        DispatchTerm? term = schedule?.Terms.FirstOrDefault(static t => t.Name is DispatchTerm.Window or DispatchTerm.Budget);
        return new WaitReport
        {
            Vcpu = wait.Vcpu,
            Class = wait.Class,
            SecondsAgo = (nowNs - wait.WokenNs) / 1e9,
            WaitedNs = wait.WaitedNs,
            Policy = schedule?.Policy.Word(),
            LevelBoundNs = schedule?.LevelDispatchNs,
            WorstBoundNs = schedule?.WorstDispatchNs,
            BoundSeconds = schedule is null || era is not { SinceNs: > 0 } ? null : (wait.WokenNs - era.SinceNs) / 1e9,
            TurnEndBoundNs = schedule?.TurnEndNs,
            Term = term?.Name,
            TermNs = term is null ? null : wait.ClosedNs,
            TermBoundNs = term?.WorstNs,
            IsCurrent = wait.IsCurrent,
            Parts = [.. wait.Parts.Select(p => Explain(p, wait, schedule, era?.Of(p.Domain, p.Vcpu)))],
            NobodyNs = Math.Max(wait.WaitedNs - wait.ClosedNs - wait.UnknownNs - wait.Parts.Sum(static p => p.TurnEndNs + p.RanNs), 0),
            UnknownNs = wait.UnknownNs,
        };
    }

    private static WaitReportPart Explain(WaitPart part, WaitRecord wait, VcpuSchedule? schedule, VcpuSchedule? other)
    {
        DispatchTerm? term = schedule is null ? null : TermOf(schedule, part);
        return new WaitReportPart
        {
            Domain = part.Domain,
            Vcpu = part.Vcpu,
            Class = part.Class,
            TurnEndNs = part.TurnEndNs,
            RanNs = part.RanNs,
            Turns = part.Turns,
            ClosedNs = part.ClosedNs,
            Reason = schedule is null || part.RanNs <= 0 ? null : Reason(schedule, wait.Class, other, part),
            StolenNs = part.StolenNs,
            LevelBoundNs = term?.LevelNs,
            WorstBoundNs = term?.WorstNs,
        };
    }

    private static DispatchTerm? TermOf(VcpuSchedule schedule, WaitPart part)
    {
        if (schedule.Policy == SchedulingPolicy.Arinc653 && part.Domain == schedule.Domain.Name)
        {
            return schedule.Terms.FirstOrDefault(static t => t.Name == DispatchTerm.Peers);
        }

        if (schedule.Terms.Any(static t => t.Name == DispatchTerm.Deadline))
        {
            return null; // Whatever each of them has, all is over by then.
        }

        // A class has a term of its own where its budget bounds it.
        DispatchTerm[] terms = [.. schedule.Terms.Where(t => t.Domain == part.Domain && t.Vcpu == part.Vcpu)];
        return Array.Find(terms, t => t.Class == part.Class) ?? Array.Find(terms, static t => t.Class is null);
    }

    private static string Reason(VcpuSchedule own, string? ownClass, VcpuSchedule? other, WaitPart part) => own.Policy switch
    {
        SchedulingPolicy.Bvt => "was further behind",
        SchedulingPolicy.FixedPriority => ByPriority(Priority(own.Domain, ownClass), other is null ? null : Priority(other.Domain, part.Class)),
        SchedulingPolicy.Edf => ByDeadline(own.Domain.Reservation is not null, other?.Domain.Reservation is not null),
        SchedulingPolicy.Arinc653 => part.Domain == own.Domain.Name ? "shares its windows" : "went on beyond its window",
        _ => "was here before",
    };

    private static string ByPriority(int own, int? others) => others switch
    {
        null => "was here before",
        { } more when more > own => "has a higher priority",
        { } same when same == own => "has the same priority, and was there before it",
        _ => "has a lower priority, was chosen before the wake-up was seen",
    };

    private static string ByDeadline(bool own, bool others) => (own, others) switch
    {
        (true, true) => "had an earlier deadline, or budget where it had none left,",
        (true, false) => "took its turn of the unreserved time, where it had no budget left,",
        (false, true) => "has a reservation",
        _ => "took its turn of the unreserved time",
    };

    private static int Priority(DomainConfig domain, string? inClass) =>
        domain.Classes.FirstOrDefault(c => c.Name == inClass)?.Priority ?? domain.Priority;
}
