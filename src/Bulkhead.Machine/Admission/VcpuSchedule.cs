using System.Diagnostics;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Machine.Admission;

/// <summary>What the schedule guarantees one vCPU, computed before anything runs.</summary>
/// <remarks>
/// <i>Source</i>: the bounds of each policy in the scheduler's layer have the claims and their proofs. What counts are the vCPUs of the same
/// CPU: those of a pool are dealt to its CPUs in turn, in the file's order. Under Borrowed Virtual Time they may be moved to other CPUs (see
/// <see cref="PoolLayout"/>); then all count that it may share one with.
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

    /// <summary>How the pool's CPUs are shared.</summary>
    public required SchedulingPolicy Policy { get; init; }

    /// <summary>Which of the pool's CPUs it is dealt to, counted from 0.</summary>
    public required int Cpu { get; init; }

    /// <summary>What it gets of a CPU whenever it wants that much: of its own, or of whichever it is on in the long run.</summary>
    public required double Share { get; init; }

    /// <summary>Borrowed Virtual Time: how far ahead of its share it can get, in virtual time.</summary>
    public long LagNs { get; init; }

    /// <summary>Borrowed Virtual Time: real time it can run ahead of its share and still be dispatched as if it were not; 0 = none.</summary>
    public long LoanNs { get; init; }

    /// <summary>What may add to its wait.</summary>
    public required IReadOnlyList<DispatchTerm> Terms { get; init; }

    /// <summary>How long the turn that is running may go on after it woke.</summary>
    public required long TurnEndNs { get; init; }

    /// <summary>The longest time from wake-up to dispatch while it is not ahead of its share; <see cref="long.MaxValue"/> = no bound.</summary>
    public required long LevelDispatchNs { get; init; }

    /// <summary>The longest time from wake-up to dispatch, whatever it did before; <see cref="long.MaxValue"/> = no bound.</summary>
    public required long WorstDispatchNs { get; init; }

    /// <summary>What <see cref="WorstDispatchNs"/> takes for granted, in words.</summary>
    public string WorstHolds { get; init; } = "whatever anybody does";

    /// <summary>How long <see cref="LevelDispatchNs"/> holds, in words.</summary>
    public string LevelHolds { get; init; } = "";

    /// <summary>What makes <see cref="LevelDispatchNs"/> so long, and what to change, in words.</summary>
    public required string Cause { get; init; }

    /// <summary>Why the policy cannot run this vCPU at all, with place and fix; null where it can.</summary>
    public string? Fault { get; init; }

    /// <summary>Whether the domain gets the latency it needs.</summary>
    public LatencyVerdict Verdict => Fault is not null ? LatencyVerdict.Refused
        : Domain.Latency is not { } need ? LatencyVerdict.None
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
            var layout = new PoolLayout(system, pool);
            for (int i = 0; i < layout.Count; i++)
            {
                (CpuQueue queue, int index) = layout.QueueOf(i, overrunNs);
                schedules.Add(Bound(queue, index));
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
        string[] refused = [.. schedules.Where(static s => s.Verdict == LatencyVerdict.Refused).Select(static s => s.Fault ?? s.Refusal())];
        return refused.Length == 0 ? schedules : throw new OperatorException(string.Join('\n', refused), 2);
    }

    private static VcpuSchedule Bound(CpuQueue queue, int index) => queue.Pool.Policy switch
    {
        SchedulingPolicy.Bvt => BvtSchedule.Bound(queue, index),
        SchedulingPolicy.Edf => EdfSchedule.Bound(queue, index),
        SchedulingPolicy.Arinc653 => Arinc653Schedule.Bound(queue, index),
        SchedulingPolicy.FixedPriority => FixedPrioritySchedule.Bound(queue, index),
        SchedulingPolicy.Null => NullSchedule.Bound(queue, index),
        _ => throw new UnreachableException($"No bounds for {queue.Pool.Policy}."),
    };

    private string Refusal()
    {
        LatencyNeed need = Domain.Latency ?? throw new UnreachableException("Refused without a need.");
        return $"{need.Place}: domain {Domain.Name}, vCPU {Vcpu}: needs {Quantity.FormatDuration(need.Ns)} from wake-up to dispatch, but {Cause}";
    }
}
