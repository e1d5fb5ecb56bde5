using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Time;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Simulation;

/// <summary>Plays the schedule of a system through in virtual time, with synthetic loads in place of guests.</summary>
/// <remarks>
/// The policies are those of the workers, one per CPU, and the vCPUs lie on the CPUs as they do in a run, and move between them by the same
/// rules. <i>Cost</i>: proportional to the wake-ups and turns; the same request gives the same result.
/// </remarks>
public static class SystemSimulation
{
    /// <summary>How many wake-ups a simulation may have; each is kept.</summary>
    public const long MaxWakeUps = 20_000_000;

    /// <summary>Runs the simulation.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> with exit code 2 where there are more than <see cref="MaxWakeUps"/>.</remarks>
    public static SimulationResult Run(SimulationRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(request.DurationNs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.DurationNs, SimulationRequest.MaxDurationNs);
        ArgumentOutOfRangeException.ThrowIfNegative(request.OverrunNs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.OverrunNs, SimulationRequest.MaxOverrunNs);
        CheckWakeUps(request);
        IReadOnlyList<VcpuSchedule> schedules = VcpuSchedule.Compute(request.System, request.OverrunNs);
        var cpus = new List<SimulatedCpu>();
        int stream = 0;
        foreach (PoolConfig pool in request.System.Pools)
        {
            VcpuSchedule[] vcpus = [.. schedules.Where(s => s.Pool == pool.Name)];
            var layout = new PoolLayout(request.System, pool);
            int kept = Math.Max(request.KeptMarks / request.System.Pools.Sum(static p => p.CpuCount), 1);
            IEnumerable<VcpuSchedule[]> groups = layout.Moves ? [vcpus] : vcpus.GroupBy(static v => v.Cpu).OrderBy(static g => g.Key).Select(static g => g.ToArray());
            foreach (VcpuSchedule[] group in groups.Where(static g => g.Length > 0))
            {
                cpus.Add(RunCpus(request, pool, group, layout, stream, layout.Moves ? kept * pool.CpuCount : kept));
                stream += group.Length;
            }
        }

        return new SimulationResult(request, cpus);
    }

    // All CPUs of a pool between which vCPUs move; else one, which knows nothing of the others.
    private static SimulatedCpu RunCpus(SimulationRequest request, PoolConfig pool, VcpuSchedule[] schedules, PoolLayout layout, int stream, int keptMarks)
    {
        int count = layout.Moves ? pool.CpuCount : 1;
        var timeline = new Timeline(keptMarks, count);
        IPolicy[] policies = [.. Enumerable.Range(0, count).Select(_ => PolicyFactory.Create(pool.Policy, pool.AllowanceNs, pool.Frame))];
        var simulator = new PoolSimulator(policies, request.OverrunNs, timeline, layout);
        for (int i = 0; i < schedules.Length; i++)
        {
            DomainConfig domain = schedules[i].Domain;
            int number = request.System.Domains.TakeWhile(d => d.Name != domain.Name).Count();
            var work = new WorkSource(request.LoadOf(domain), new SeededRandom(request.Seed, stream + i));
            simulator.Place(domain.Share, work, layout.Moves ? schedules[i].Cpu : 0, number);
        }

        simulator.Run(request.DurationNs);
        return new SimulatedCpu
        {
            Pool = pool,
            Name = layout.Moves ? string.Join(", ", Enumerable.Range(0, count).Select(cpu => CpuName(pool, cpu))) : CpuName(pool, schedules[0].Cpu),
            CpuCount = count,
            IdleNs = simulator.Cpus.Sum(static c => c.IdleNs),
            Switches = simulator.Cpus.Sum(static c => c.Switches),
            KeptNs = Math.Min(timeline.KeptNs, request.DurationNs),
            Vcpus =
            [
                .. schedules.Select((schedule, i) => new SimulatedVcpu
                {
                    Schedule = schedule,
                    Load = request.LoadOf(schedule.Domain),
                    RanNs = simulator.Vcpus[i].RanNs,
                    Moves = simulator.Vcpus[i].Moves,
                    RanIn = simulator.Vcpus[i].RanIn,
                    Latency = simulator.Vcpus[i].Summary(schedule.Domain.Latency?.Ns ?? long.MaxValue),
                    Turns = timeline.Turns(i),
                    Waits = timeline.Waits(i),
                }),
            ],
        };
    }

    private static void CheckWakeUps(SimulationRequest request)
    {
        long sum = 0;
        foreach (DomainConfig domain in request.System.Domains)
        {
            SimulatedLoad load = request.LoadOf(domain);
            sum += load.PeriodNs == 0 ? 0 : request.DurationNs / load.PeriodNs * domain.Vcpus;
            if (sum > MaxWakeUps)
            {
                throw new OperatorException(
                    $"domain {domain.Name}: with {load} there are more than {MaxWakeUps} wake-ups in {Quantity.FormatDuration(request.DurationNs)}; give a shorter duration or a longer period", 2);
            }
        }
    }

    private static string CpuName(PoolConfig pool, int index)
    {
        foreach (CpuSelector selector in pool.Cpus)
        {
            int count = selector.Last - selector.First + 1;
            if (index < count)
            {
                return new CpuSelector(selector.First + index, selector.First + index).ToString();
            }

            index -= count;
        }

        throw new System.Diagnostics.UnreachableException("The vCPU lies on a CPU the pool does not have.");
    }
}
