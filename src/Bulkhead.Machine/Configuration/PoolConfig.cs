using Bulkhead.Host;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Configuration;

/// <summary>A set of host CPUs with one scheduling policy.</summary>
/// <param name="Name">Unique in the system.</param>
/// <param name="Cpus">At least one entry; entries do not overlap, in this pool or between pools.</param>
/// <param name="Policy">How the CPUs are shared.</param>
/// <param name="AllowanceNs">The context-switch allowance C, or the length of turns among equals, in real nanoseconds.</param>
/// <param name="RealTime">Whether its workers go before other processes of the host, where that is permitted.</param>
public sealed record PoolConfig(string Name, IReadOnlyList<CpuSelector> Cpus, SchedulingPolicy Policy, long AllowanceNs, bool RealTime = true)
{
    /// <summary>How long an idle CPU of it spins before it sleeps.</summary>
    public long SpinNs { get; init; } = SystemFile.DefaultSpinNs;

    /// <summary>The time table, with <see cref="SchedulingPolicy.Arinc653"/> only.</summary>
    public TimeFrame? Frame { get; init; }

    /// <summary>Where the file names the policy, or the pool: file, line, column; empty where it names none.</summary>
    public string Place { get; init; } = "";

    /// <summary>How many CPUs it has.</summary>
    public int CpuCount => Cpus.Sum(static c => c.Last - c.First + 1);

    /// <summary>The numbers of some of its CPUs in its list, or null where one of them is not in it.</summary>
    public IReadOnlyList<int>? NumbersOf(CpuSelector cpus)
    {
        var numbers = new List<int>();
        int number = 0;
        foreach (CpuSelector own in Cpus)
        {
            for (int cpu = own.First; cpu <= own.Last; cpu++, number++)
            {
                if (cpu >= cpus.First && cpu <= cpus.Last)
                {
                    numbers.Add(number);
                }
            }
        }

        return numbers.Count == cpus.Last - cpus.First + 1 ? numbers : null;
    }

    /// <summary>The pool's CPUs on this host, in the order given.</summary>
    /// <param name="allowedCpus">The CPUs this process may use, ascending, at least one.</param>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where a CPU is not allowed or stands twice.</remarks>
    public IReadOnlyList<int> ResolveCpus(IReadOnlyList<int> allowedCpus)
    {
        ArgumentNullException.ThrowIfNull(allowedCpus);
        var cpus = new List<int>();
        foreach (CpuSelector selector in Cpus)
        {
            if (selector.IsLastAllowed)
            {
                Take(allowedCpus[^1]);
                continue;
            }

            for (int cpu = selector.First; cpu <= selector.Last; cpu++)
            {
                Take(cpu);
            }
        }

        return cpus;

        void Take(int cpu)
        {
            string allowed = string.Join(",", allowedCpus);
            if (!allowedCpus.Contains(cpu))
            {
                throw new OperatorException(
                    $"pool {Name}: CPU {cpu} is not among the CPUs this process may use ({allowed}); " +
                    "name one of these, or the word last", 2);
            }

            if (cpus.Contains(cpu))
            {
                throw new OperatorException(
                    $"pool {Name}: CPU {cpu} stands twice, as a number and as the word last (allowed: {allowed}); " +
                    "remove one of the two", 2);
            }

            cpus.Add(cpu);
        }
    }
}
