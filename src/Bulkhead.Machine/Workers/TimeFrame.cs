namespace Bulkhead.Machine.Workers;

/// <summary>The time table of a pool of time partitions: it repeats for ever, on each of the pool's CPUs.</summary>
/// <param name="MajorNs">How long it is.</param>
/// <param name="Windows">At least one; in order, within the frame, without overlap.</param>
public sealed record TimeFrame(long MajorNs, IReadOnlyList<TimeWindow> Windows);
