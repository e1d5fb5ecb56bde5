namespace Bulkhead.Scheduling.Balance;

/// <summary>Who is to go where.</summary>
/// <param name="Vcpu">The vCPU's number in its pool.</param>
/// <param name="Cpu">The CPU's number in the pool.</param>
public readonly record struct PoolMove(int Vcpu, int Cpu);
