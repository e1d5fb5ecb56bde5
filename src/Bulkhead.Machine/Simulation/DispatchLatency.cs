namespace Bulkhead.Machine.Simulation;

/// <summary>The times from wake-up to dispatch of one vCPU, summed up exactly.</summary>
/// <param name="WakeUps">How many there were, also one that still waits at the end.</param>
/// <param name="MedianNs">Half of them took at most this long.</param>
/// <param name="P99Ns">99% of them took at most this long.</param>
/// <param name="MaxNs">The longest.</param>
/// <param name="MaxWokenNs">When the wake-up of the longest was.</param>
/// <param name="Late">How many took longer than the domain needs; 0 where it names no need.</param>
public sealed record DispatchLatency(long WakeUps, long MedianNs, long P99Ns, long MaxNs, long MaxWokenNs, long Late);
