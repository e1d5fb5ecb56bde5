namespace Bulkhead.Scheduling;

/// <summary>How long another vCPU may run before one that wakes; or, with its own index, how long its move takes.</summary>
/// <param name="Vcpu">Its index in the queue.</param>
/// <param name="Class">The class it does that in, counted from 1, where the class's budget limits it; 0 = everything else.</param>
/// <param name="Ns">Real nanoseconds.</param>
public readonly record struct WaitTerm(int Vcpu, int Class, long Ns);
