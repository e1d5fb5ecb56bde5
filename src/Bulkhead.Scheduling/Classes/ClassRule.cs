namespace Bulkhead.Scheduling.Classes;

/// <summary>When a vCPU is in a class: any of these selects it, while it has budget left.</summary>
/// <param name="Hint">The guest said this number, and since then neither another nor HLT; 0 = no hint selects it.</param>
/// <param name="TaskPriority">CR8 is at least this, 1 to 15; 0 = it does not count.</param>
/// <param name="WakeNs">It has run for less than this since it woke, and said nothing meanwhile; 0 = waking does not select it.</param>
/// <param name="Budget">How long it can be had.</param>
/// <param name="Doorbell">Another domain rang this doorbell of a channel, 0 to 63, and since then the guest neither halted nor said
/// anything; null = doorbells do not select it.</param>
public readonly record struct ClassRule(byte Hint, byte TaskPriority, long WakeNs, ClassBudget Budget, int? Doorbell = null)
{
    /// <summary>Whether a vCPU may be in it the moment it wakes.</summary>
    public bool MayHoldAtWake => WakeNs != 0 || TaskPriority != 0 || Doorbell is not null;
}
