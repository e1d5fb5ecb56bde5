namespace Bulkhead.Machine.Configuration;

/// <summary>What another vCPU of the CPU adds to the longest time from wake-up to dispatch.</summary>
/// <param name="Domain">The other's domain.</param>
/// <param name="Vcpu">Its number in it.</param>
/// <param name="LevelNs">How long it may run first while the one that wakes is not ahead of its share.</param>
/// <param name="WorstNs">The same, whatever the one that wakes did before.</param>
public sealed record DispatchTerm(string Domain, int Vcpu, long LevelNs, long WorstNs);
