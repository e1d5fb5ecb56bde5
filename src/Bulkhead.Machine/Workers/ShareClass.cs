using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Classes;
using Bulkhead.Scheduling.FixedPriority;

namespace Bulkhead.Machine.Workers;

/// <summary>A class of a share: what a vCPU is entitled to instead while it is in it, and when that is.</summary>
/// <remarks><i>Units</i>: nanoseconds; the warp is virtual time, the others real.</remarks>
/// <param name="Name">Its name, unique in the share.</param>
public sealed record ShareClass(string Name)
{
    /// <summary>The guest says this number; 0 = no hint selects it.</summary>
    public byte Hint { get; init; }

    /// <summary>CR8 is at least this; 0 = it does not count.</summary>
    public byte TaskPriority { get; init; }

    /// <summary>So long it lasts from a wake-up on; 0 = waking does not select it.</summary>
    public long WakeNs { get; init; }

    /// <summary>Another domain rings this doorbell of a channel; null = doorbells do not select it.</summary>
    public int? Doorbell { get; init; }

    /// <summary>Borrowed Virtual Time: the warp.</summary>
    public long WarpNs { get; init; }

    /// <summary>Fixed priorities: the priority.</summary>
    public int Priority { get; init; }

    /// <summary>Having run so long in it, a vCPU must stay out of it for <see cref="RestNs"/>; 0 = no limit.</summary>
    public long LimitNs { get; init; }

    /// <summary>How long it then stays out.</summary>
    public long RestNs { get; init; }

    internal ClassRule Rule => new(Hint, TaskPriority, WakeNs, new ClassBudget(LimitNs, RestNs), Doorbell);

    internal BvtClass BvtClass => new(WarpNs, Rule);

    internal FixedPriorityClass FixedPriorityClass => new(Priority, Rule);
}
