namespace Bulkhead.Machine.Simulation;

/// <summary>A wake-up and what it waited.</summary>
/// <param name="WokenNs">When it had something to do again.</param>
/// <param name="DispatchedNs">When it got the CPU.</param>
public readonly record struct SimulatedWait(long WokenNs, long DispatchedNs);
