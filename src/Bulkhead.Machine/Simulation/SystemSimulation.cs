using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Time;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Simulation;

/// <summary>Plays the schedule of a system through in virtual time, with synthetic loads in place of guests.</summary>
/// <remarks>
/// The policies are those of the workers, one per CPU, and the vCPUs lie on the CPUs as they do in a run. The CPUs know nothing of
/// each other. <i>Cost</i>: proportional to the wake-ups and turns; the same request gives the same result.
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
        var queues = schedules.GroupBy(static s => (s.Pool, s.Cpu)).OrderBy(g => (PoolIndex(request.System, g.Key.Pool), g.Key.Cpu)).ToList();
        var cpus = new List<SimulatedCpu>();
        int stream = 0;
        foreach (var queue in queues)
        {
            VcpuSchedule[] vcpus = [.. queue];
            cpus.Add(RunCpu(request, request.System.Pools[PoolIndex(request.System, queue.Key.Pool)], vcpus, stream, Math.Max(request.KeptMarks / queues.Count, 1)));
            stream += vcpus.Length;
        }

        return new SimulationResult(request, cpus);
    }

    private static SimulatedCpu RunCpu(SimulationRequest request, PoolConfig pool, VcpuSchedule[] schedules, int stream, int keptMarks)
    {
        var timeline = new Timeline(keptMarks);
        var simulator = new CpuSimulator(PolicyFactory.Create(pool.Policy, pool.AllowanceNs, pool.Frame), request.OverrunNs, timeline);
        for (int i = 0; i < schedules.Length; i++)
        {
            DomainConfig domain = schedules[i].Domain;
            simulator.Place(domain.Share, new WorkSource(request.LoadOf(domain), new SeededRandom(request.Seed, stream + i)));
        }

        simulator.Run(request.DurationNs);
        return new SimulatedCpu
        {
            Pool = pool,
            Name = CpuName(pool, schedules[0].Cpu),
            IdleNs = simulator.IdleNs,
            Switches = simulator.Switches,
            KeptNs = Math.Min(timeline.KeptNs, request.DurationNs),
            Vcpus =
            [
                .. schedules.Select((schedule, i) => new SimulatedVcpu
                {
                    Schedule = schedule,
                    Load = request.LoadOf(schedule.Domain),
                    RanNs = simulator.Vcpus[i].RanNs,
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

    private static int PoolIndex(SystemConfig system, string name) => system.Pools.TakeWhile(p => p.Name != name).Count();

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
