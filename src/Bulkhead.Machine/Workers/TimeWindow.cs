namespace Bulkhead.Machine.Workers;

/// <summary>A part of a <see cref="TimeFrame"/> in which one partition has the CPU.</summary>
/// <param name="Partition">The domain's name.</param>
/// <param name="AtNs">From the frame's start.</param>
/// <param name="LengthNs">Above 0.</param>
public sealed record TimeWindow(string Partition, long AtNs, long LengthNs);
