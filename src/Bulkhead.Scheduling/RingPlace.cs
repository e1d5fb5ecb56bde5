namespace Bulkhead.Scheduling;

/// <summary>Where a vCPU stands in a <see cref="Ring"/>.</summary>
/// <param name="Order">Smaller goes first.</param>
/// <param name="LeftNs">What is left of its slice.</param>
internal readonly record struct RingPlace(long Order, long LeftNs);
