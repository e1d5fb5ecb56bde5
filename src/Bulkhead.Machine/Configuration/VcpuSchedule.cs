using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Scheduling;

namespace Bulkhead.Machine.Configuration;

/// <summary>What the schedule guarantees one vCPU, computed before anything runs.</summary>
/// <remarks>
/// <i>Source</i>: <see cref="BvtBounds"/> has the claims and their proofs. What counts are the vCPUs of the same CPU: those of a
/// pool are dealt to its CPUs in turn, in the file's order, and stay there.
/// </remarks>
public sealed record VcpuSchedule
{
    /// <summary>How long a turn may go on after its end was asked for, from there to the guest's exit, while the host leaves the CPU to
    /// us: assumed.</summary>
    public const long OverrunNs = 100_000;

    /// <summary>The domain.</summary>
    public required DomainConfig Domain { get; init; }

    /// <summary>The vCPU's number in it.</summary>
    public required int Vcpu { get; init; }

    /// <summary>The pool's name.</summary>
    public required string Pool { get; init; }

    /// <summary>Which of the pool's CPUs it runs on, counted from 0.</summary>
    public required int Cpu { get; init; }

    /// <summary>Its part of the CPU whenever it wants that much.</summary>
    public required double Share { get; init; }

    /// <summary>How far ahead of its share it can get, in virtual time.</summary>
    public required long LagNs { get; init; }

    /// <summary>Real time it can run ahead of its share and still be dispatched as if it were not; 0 = none.</summary>
    public required long LoanNs { get; init; }

    /// <summary>What each other vCPU of the CPU may add to its wait.</summary>
    public required IReadOnlyList<DispatchTerm> Terms { get; init; }

    /// <summary>How long the turn that is running may go on after it woke.</summary>
    public required long TurnEndNs { get; init; }

    /// <summary>The longest time from wake-up to dispatch while it is not ahead of its share.</summary>
    public required long LevelDispatchNs { get; init; }

    /// <summary>The longest time from wake-up to dispatch, whatever it did before.</summary>
    public required long WorstDispatchNs { get; init; }

    /// <summary>Whether the domain gets the latency it needs.</summary>
    public LatencyVerdict Verdict => Domain.Latency is not { } need ? LatencyVerdict.None
        : WorstDispatchNs <= need.Ns ? LatencyVerdict.Always
        : LevelDispatchNs <= need.Ns ? LatencyVerdict.WithinLoan
        : LatencyVerdict.Refused;

    /// <summary>Computes the bounds of every vCPU of a system, in the file's order within each pool.</summary>
    public static IReadOnlyList<VcpuSchedule> Compute(SystemConfig system, long overrunNs = OverrunNs)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentOutOfRangeException.ThrowIfNegative(overrunNs);
        var schedules = new List<VcpuSchedule>();
        foreach (PoolConfig pool in system.Pools)
        {
            (DomainConfig Domain, int Vcpu)[] all =
                [.. system.Domains.Where(d => d.Pool == pool.Name).SelectMany(static d => Enumerable.Range(0, d.Vcpus).Select(v => (d, v)))];
            int cpus = pool.CpuCount;
            for (int i = 0; i < all.Length; i++)
            {
                (DomainConfig, int)[] queue = [.. all.Where((_, other) => other % cpus == i % cpus)];
                schedules.Add(Bound(pool, i % cpus, queue, i / cpus, overrunNs));
            }
        }

        return schedules;
    }

    /// <summary>Computes the bounds, and refuses a system that cannot give a domain the latency it needs.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> with exit code 2: a line per vCPU, with the place, the term that breaks
    /// the need and what to change.</remarks>
    public static IReadOnlyList<VcpuSchedule> Admit(SystemConfig system) => Admit(Compute(system));

    /// <summary>The same of bounds that were computed.</summary>
    public static IReadOnlyList<VcpuSchedule> Admit(IReadOnlyList<VcpuSchedule> schedules)
    {
        ArgumentNullException.ThrowIfNull(schedules);
        string[] refused = [.. schedules.Where(static s => s.Verdict == LatencyVerdict.Refused).Select(static s => s.Refusal())];
        return refused.Length == 0 ? schedules : throw new OperatorException(string.Join('\n', refused), 2);
    }

    private static VcpuSchedule Bound(PoolConfig pool, int cpu, (DomainConfig Domain, int Vcpu)[] queue, int index, long overrunNs)
    {
        BvtParameters[] parameters = [.. queue.Select(static q => q.Domain.Share.Parameters)];
        long allowance = pool.AllowanceNs;
        DispatchTerm[] terms =
        [
            .. Enumerable.Range(0, queue.Length).Where(other => other != index).Select(other => new DispatchTerm(
                queue[other].Domain.Name,
                queue[other].Vcpu,
                BvtBounds.TermNs(parameters, index, other, allowance, overrunNs, lagNs: 0, warped: true),
                BvtBounds.WorstTermNs(parameters, index, other, allowance, overrunNs))),
        ];
        long turnEnd = terms.Length == 0 ? 0 : overrunNs;
        return new VcpuSchedule
        {
            Domain = queue[index].Domain,
            Vcpu = queue[index].Vcpu,
            Pool = pool.Name,
            Cpu = cpu,
            Share = (double)parameters[index].Weight / parameters.Sum(static p => p.Weight),
            LagNs = BvtBounds.LagNs(parameters[index], allowance, overrunNs),
            LoanNs = BvtBounds.LoanNs(parameters, index) * parameters[index].Weight,
            Terms = terms,
            TurnEndNs = turnEnd,
            LevelDispatchNs = Sum(turnEnd, BvtBounds.DispatchNs(parameters, index, allowance, overrunNs, lagNs: 0, warped: true)),
            WorstDispatchNs = Sum(turnEnd, BvtBounds.WorstDispatchNs(parameters, index, allowance, overrunNs)),
        };
    }

    private static long Sum(long turnEndNs, long waitNs) => waitNs > long.MaxValue - turnEndNs ? long.MaxValue : waitNs + turnEndNs;

    private string Refusal()
    {
        LatencyNeed need = Domain.Latency!;
        string who = $"{need.Place}: domain {Domain.Name}, vCPU {Vcpu}: needs {Quantity.FormatDuration(need.Ns)} from wake-up to dispatch";
        DispatchTerm? most = Terms.MaxBy(static t => t.LevelNs);
        if (most is null || most.LevelNs == 0)
        {
            return $"{who}, but ending the turn that is running may take {Quantity.FormatDuration(TurnEndNs)}; give it a pool of its own, or declare no less than that";
        }

        return $"{who}, but {most.Domain}, vCPU {most.Vcpu} may run {Quantity.FormatDuration(most.LevelNs)} before it, since it warps at least as far"
            + $"; give {Domain.Name} a warp with a larger value than that of any other domain of pool {Pool}, or {most.Domain} a smaller one, or another pool";
    }
}
