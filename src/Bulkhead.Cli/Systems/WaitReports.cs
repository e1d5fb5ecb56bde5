using Bulkhead.Cli.Control;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Tracing;

namespace Bulkhead.Cli.Systems;

/// <summary>Holds a wait against its bound.</summary>
internal static class WaitReports
{
    /// <summary>Explains one wait by the terms of the vCPU's bound.</summary>
    internal static WaitReport Explain(WaitRecord wait, VcpuSchedule schedule, long nowNs) => new()
    {
        Vcpu = wait.Vcpu,
        Class = wait.Class,
        SecondsAgo = (nowNs - wait.WokenNs) / 1e9,
        WaitedNs = wait.WaitedNs,
        LevelBoundNs = schedule.LevelDispatchNs,
        WorstBoundNs = schedule.WorstDispatchNs,
        TurnEndBoundNs = schedule.TurnEndNs,
        Parts = [.. wait.Parts.Select(p => Explain(p, schedule))],
        NobodyNs = Math.Max(wait.WaitedNs - wait.Parts.Sum(static p => p.TurnEndNs + p.RanNs), 0),
    };

    private static WaitReportPart Explain(WaitPart part, VcpuSchedule schedule)
    {
        // A class has a term of its own where its budget bounds it.
        DispatchTerm[] terms = [.. schedule.Terms.Where(t => t.Domain == part.Domain && t.Vcpu == part.Vcpu)];
        DispatchTerm? term = Array.Find(terms, t => t.Class == part.Class) ?? Array.Find(terms, static t => t.Class is null);
        return new WaitReportPart
        {
            Domain = part.Domain,
            Vcpu = part.Vcpu,
            Class = part.Class,
            TurnEndNs = part.TurnEndNs,
            RanNs = part.RanNs,
            Turns = part.Turns,
            StolenNs = part.StolenNs,
            LevelBoundNs = term?.LevelNs,
            WorstBoundNs = term?.WorstNs,
        };
    }
}
