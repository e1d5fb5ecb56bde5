namespace Bulkhead.Machine.Tracing;

/// <summary>One time a vCPU waited from its wake-up for its turn.</summary>
/// <param name="Vcpu">The vCPU's number.</param>
/// <param name="WokenNs">What woke it, or when its timer was due.</param>
/// <param name="WaitedNs">How long it waited.</param>
/// <param name="Class">The class in which it was dispatched; null where its domain has none.</param>
/// <param name="Parts">Who ran meanwhile, in order of appearance; what is left of the wait, nobody ran.</param>
/// <param name="ClosedNs">How much of the wait it could not have run in, whoever else wanted to.</param>
/// <param name="Era">By which rules the CPU was shared when it was dispatched, and what they guarantee; null where nobody said.</param>
/// <param name="UnknownNs">How much of the rest somebody ran, and it is not known who: there were more turns or vCPUs than are kept.</param>
/// <param name="IsCurrent">Whether the rules that hold now held in all of it.</param>
public sealed record WaitRecord(
    int Vcpu, long WokenNs, long WaitedNs, string? Class, IReadOnlyList<WaitPart> Parts, long ClosedNs = 0, ScheduleEra? Era = null, long UnknownNs = 0, bool IsCurrent = true);
