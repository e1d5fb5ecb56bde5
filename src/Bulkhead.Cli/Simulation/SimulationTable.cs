using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;

namespace Bulkhead.Cli.Simulation;

/// <summary>What came out of a simulation, as text: a table per CPU.</summary>
internal static class SimulationTable
{
    /// <summary>Writes the assumptions and the tables.</summary>
    internal static void Write(TextWriter output, SimulationResult result)
    {
        SimulationRequest request = result.Request;
        output.WriteLine(
            $"{Path.GetFileName(request.System.Path)}: {Quantity.FormatDuration(request.DurationNs)} of virtual time, turns end {Quantity.FormatDuration(request.OverrunNs)} late, seed {request.Seed}");
        foreach (DomainConfig domain in request.System.Domains)
        {
            string assumed = request.Loads.ContainsKey(domain.Name) ? string.Empty
                : domain.Reservation is not null ? "  (assumed, since it reserves that; --load sets it)"
                : domain.Warp is null && domain.Latency is null && domain.Classes.Count == 0 ? "  (assumed; --load sets it)"
                : "  (assumed, since it has a warp or classes, or needs a latency; --load sets it)";
            output.WriteLine($"  {domain.Name,-20} {request.LoadOf(domain)}{assumed}");
        }

        foreach (SimulatedCpu cpu in result.Cpus)
        {
            output.WriteLine();
            WriteCpu(output, cpu, request.DurationNs);
        }

        output.WriteLine();
        output.WriteLine("got    of its CPU, or where there are several, of one; share is what it gets whenever it wants that much");
        output.WriteLine("p50    half of its wake-ups were dispatched within this time; p99 and max likewise");
        output.WriteLine("level  computed: the longest time from wake-up to dispatch while it has not run beyond its share");
        output.WriteLine("worst  computed: the same, whatever it ran before");
    }

    private static void WriteCpu(TextWriter output, SimulatedCpu cpu, long durationNs)
    {
        string policy = cpu.Pool.Policy.Word();
        output.WriteLine(
            $"pool {cpu.Pool.Name}, {(cpu.CpuCount > 1 ? "CPUs" : "CPU")} {cpu.Name}: {policy}, allowance {Quantity.FormatDuration(cpu.Pool.AllowanceNs)}; idle {Percent((double)cpu.IdleNs / durationNs / cpu.CpuCount)}, {cpu.Switches} switches{(cpu.CpuCount > 1 ? $", {cpu.Vcpus.Sum(static v => v.Moves)} moves" : string.Empty)}");
        output.WriteLine(Line("vCPU", "got", "share", "wake-ups", "p50", "p99", "max", "level", "worst", "verdict"));
        foreach (SimulatedVcpu vcpu in cpu.Vcpus)
        {
            DispatchLatency latency = vcpu.Latency;
            bool woke = latency.WakeUps > 0;
            output.WriteLine(Line(
                vcpu.Name,
                Percent((double)vcpu.RanNs / durationNs),
                Percent(vcpu.Schedule.Share),
                latency.WakeUps.ToString(CultureInfo.InvariantCulture),
                woke ? Rounded(latency.MedianNs) : "-",
                woke ? Rounded(latency.P99Ns) : "-",
                woke ? Rounded(latency.MaxNs) : "-",
                Bound(vcpu.Schedule.LevelDispatchNs),
                Bound(vcpu.Schedule.WorstDispatchNs),
                Verdict(vcpu)));
            foreach ((string name, long ranNs) in vcpu.RanIn)
            {
                output.WriteLine(Line($"  as {name}", Percent((double)ranNs / durationNs), string.Empty, string.Empty, string.Empty, string.Empty, string.Empty, string.Empty, string.Empty, string.Empty));
            }
        }
    }

    private static string Verdict(SimulatedVcpu vcpu)
    {
        string bound = vcpu.ExceedsBound ? "BOUND EXCEEDED"
            : vcpu.Latency.WakeUps == 0 ? "-"
            : vcpu.Latency.MaxNs <= vcpu.Schedule.LevelDispatchNs ? "within level"
            : "within worst";
        return vcpu.Schedule.Domain.Latency is not { } need ? bound
            : vcpu.Latency.Late == 0 ? $"{bound}; needs {Quantity.FormatDuration(need.Ns)}: kept"
            : $"{bound}; needs {Quantity.FormatDuration(need.Ns)}: LATE {vcpu.Latency.Late} times";
    }

    private static string Bound(long ns) => ns == long.MaxValue ? "none" : Rounded(ns);

    // As in 'validate': up to whole microseconds.
    private static string Rounded(long ns) => Quantity.FormatDuration(ns > long.MaxValue - 999 ? ns : (ns + 999) / 1000 * 1000);

    private static string Percent(double part) => part.ToString("P1", CultureInfo.InvariantCulture).Replace(" ", string.Empty, StringComparison.Ordinal);

    private static string Line(string name, string got, string share, string wakes, string p50, string p99, string max, string level, string worst, string verdict) =>
        $"  {name,-20} {got,6} {share,6} {wakes,8} {p50,9} {p99,9} {max,9} {level,10} {worst,10}  {verdict}".TrimEnd();
}
