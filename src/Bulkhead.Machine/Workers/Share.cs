using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Edf;
using Bulkhead.Scheduling.FixedPriority;

namespace Bulkhead.Machine.Workers;

/// <summary>What a vCPU is entitled to, for those who do not see the scheduler's layer; the pool's policy reads its part.</summary>
/// <remarks><i>Units</i>: warp in virtual nanoseconds, the limits in real ones; 0 = none.</remarks>
public sealed record Share(int Weight = 1, long WarpNs = 0, long WarpLimitNs = 0, long UnwarpNs = 0)
{
    /// <summary>Whether it declares how long it can wait.</summary>
    public bool HasDeadline { get; init; }

    /// <summary>What it has reserved (EDF), or what its guest promises (fixed priority); null = nothing.</summary>
    public CpuReservation? Reservation { get; init; }

    /// <summary>Fixed priority: 0 to 255, larger is more urgent.</summary>
    public int Priority { get; init; }

    /// <summary>ARINC 653: the partition in whose windows it runs.</summary>
    public string Partition { get; init; } = string.Empty;

    /// <summary>The classes its vCPUs may be in, the most urgent first.</summary>
    public IReadOnlyList<ShareClass> Classes { get; init; } = [];

    internal BvtParameters Parameters => new()
    {
        Weight = Weight,
        WarpNs = WarpNs,
        WarpLimitNs = WarpLimitNs,
        UnwarpNs = UnwarpNs,
    };

    internal EdfParameters EdfParameters => Reservation is null
        ? default
        : new() { PeriodNs = Reservation.PeriodNs, BudgetNs = Reservation.BudgetNs, Extra = Reservation.Extra };

    internal FixedPriorityParameters FixedPriorityParameters =>
        new(Priority, Reservation?.PeriodNs ?? 0, Reservation?.BudgetNs ?? 0);

    internal BvtVcpu BvtVcpu => new(Parameters, [.. Classes.Select(static c => c.BvtClass)]);

    internal FixedPriorityVcpu FixedPriorityVcpu => new(FixedPriorityParameters, [.. Classes.Select(static c => c.FixedPriorityClass)]);

    /// <summary>What a vCPU is entitled to in a class, counted from 1; 0 = in none.</summary>
    internal Share In(int place) => place == 0 ? this : this with
    {
        WarpNs = Classes[place - 1].WarpNs,
        WarpLimitNs = 0,
        UnwarpNs = 0,
        Priority = Classes[place - 1].Priority,
    };
}
