namespace Bulkhead.Machine.Admission;

/// <summary>A part of the longest time from wake-up to dispatch: another vCPU of the CPU, or what else is waited for.</summary>
/// <param name="Domain">The other's domain; or, where <paramref name="Vcpu"/> is negative, what is waited for, in words.</param>
/// <param name="Vcpu">Its number in it.</param>
/// <param name="LevelNs">How long it may run first while the one that wakes is not ahead of its share.</param>
/// <param name="WorstNs">The same, whatever the one that wakes did before.</param>
public sealed record DispatchTerm(string Domain, int Vcpu, long LevelNs, long WorstNs)
{
    /// <summary>Time partitions: until its partition has the CPU.</summary>
    public const string Window = "its next window";

    /// <summary>Time partitions: those that share its windows.</summary>
    public const string Peers = "its own other vCPUs";

    /// <summary>Reservations: all others together, since by then it has its budget.</summary>
    public const string Deadline = "its deadline";

    /// <summary>Reservations: where the last one is used up.</summary>
    public const string Budget = "its next budget";

    /// <summary>The class in which the other does that, where it is the class's budget that limits it; else null.</summary>
    public string? Class { get; init; }

    /// <summary>How it is shown.</summary>
    public string Name => Vcpu < 0 ? Domain : Class is null ? $"{Domain}/{Vcpu}" : $"{Domain}/{Vcpu} as {Class}";
}
