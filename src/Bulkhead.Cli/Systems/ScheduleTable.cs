using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Cli.Systems;

/// <summary>What a system's schedule guarantees, as text: a line per vCPU, and under it what each other may add to its wait.</summary>
internal static class ScheduleTable
{
    private const int MostTerms = 20;

    /// <summary>Writes the table of every pool.</summary>
    internal static void Write(TextWriter output, SystemConfig system, IReadOnlyList<VcpuSchedule> schedules)
    {
        foreach (PoolConfig pool in system.Pools)
        {
            output.WriteLine($"pool {pool.Name}: CPUs {string.Join(", ", pool.Cpus)}; {Policy(pool)}");
            output.WriteLine(Line("vCPU", "share", "level", "worst", "needs", "verdict"));
            foreach (VcpuSchedule vcpu in schedules.Where(s => s.Pool == pool.Name))
            {
                WriteVcpu(output, vcpu);
            }
        }

        output.WriteLine();
        output.WriteLine("share  of its CPU, or where it moves, of one; whenever it wants that much");
        output.WriteLine("level  longest time from wake-up to dispatch while it has not run beyond its share");
        output.WriteLine("worst  the same, whatever it ran before");
    }

    private static void WriteVcpu(TextWriter output, VcpuSchedule vcpu)
    {
        output.WriteLine(Line(
            $"{vcpu.Domain.Name}/{vcpu.Vcpu}",
            vcpu.Share.ToString("P1", CultureInfo.InvariantCulture).Replace(" ", string.Empty, StringComparison.Ordinal),
            Time(vcpu.LevelDispatchNs),
            Time(vcpu.WorstDispatchNs),
            vcpu.Domain.Latency is { } need ? Quantity.FormatDuration(need.Ns) : "-",
            Verdict(vcpu)));
        if (vcpu.Terms.Count == 0)
        {
            return;
        }

        string end = Quantity.FormatDuration(vcpu.TurnEndNs);
        output.WriteLine(Line("  the turn's end", string.Empty, end, end, string.Empty, string.Empty));
        foreach (DispatchTerm term in Shown(vcpu.Terms))
        {
            output.WriteLine(Line(
                "  " + term.Name, string.Empty, Time(term.LevelNs), Time(term.WorstNs), string.Empty, string.Empty));
        }
    }

    // Of many, those that matter most, and the others together: of a thousand vCPUs nobody reads a million lines.
    private static IEnumerable<DispatchTerm> Shown(IReadOnlyList<DispatchTerm> terms)
    {
        if (terms.Count <= MostTerms)
        {
            return terms;
        }

        DispatchTerm[] sorted = [.. terms.OrderByDescending(static t => t.WorstNs).ThenByDescending(static t => t.LevelNs)];
        DispatchTerm[] others = sorted[(MostTerms - 1)..];
        return [.. sorted[..(MostTerms - 1)], new DispatchTerm($"{others.Length} others", -1, Sum(others.Select(static t => t.LevelNs)), Sum(others.Select(static t => t.WorstNs)))];
    }

    private static long Sum(IEnumerable<long> times) => times.Aggregate(0L, static (sum, ns) => ns > long.MaxValue - sum ? long.MaxValue : sum + ns);

    private static string Verdict(VcpuSchedule vcpu) => vcpu.Verdict switch
    {
        LatencyVerdict.Always => $"holds, {vcpu.WorstHolds}",
        LatencyVerdict.WithinLoan => $"holds {vcpu.LevelHolds}",
        LatencyVerdict.Refused => "REFUSED",
        _ => "-",
    };

    private static string Policy(PoolConfig pool) => pool.Policy switch
    {
        SchedulingPolicy.Edf => $"{pool.Policy.Word()}, turns on unreserved time {Quantity.FormatDuration(pool.AllowanceNs)}",
        SchedulingPolicy.Arinc653 => $"{pool.Policy.Word()}, major frame {Quantity.FormatDuration(pool.Frame?.MajorNs ?? 0)}: {string.Join(", ", pool.Frame?.Windows.Select(Window) ?? [])}",
        SchedulingPolicy.FixedPriority => $"{pool.Policy.Word()}, turns among equals {Quantity.FormatDuration(pool.AllowanceNs)}",
        SchedulingPolicy.Null => $"{pool.Policy.Word()}, a CPU for each vCPU",
        _ => $"{pool.Policy.Word()}, allowance {Quantity.FormatDuration(pool.AllowanceNs)}",
    };

    private static string Window(TimeWindow window) =>
        $"{window.Partition} {Quantity.FormatDuration(window.AtNs)} to {Quantity.FormatDuration(window.AtNs + window.LengthNs)}";

    // Bounds carry nanoseconds of rounding that tell a reader nothing; up, so that they stay bounds.
    private static string Time(long ns) => ns > long.MaxValue / 4 ? "unbounded" : Quantity.FormatDuration((ns + 999) / 1000 * 1000);

    private static string Line(string name, string share, string level, string worst, string needs, string verdict) =>
        $"  {name,-20} {share,7} {level,10} {worst,10} {needs,10}  {verdict}".TrimEnd();
}
