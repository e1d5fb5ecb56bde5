namespace Bulkhead.Scheduling;

/// <summary>Who runs next, and for how long before the policy must be asked again.</summary>
/// <param name="Slot">The vCPU's slot, or -1 where nobody may run now.</param>
/// <param name="BudgetNs">Real time, at least 1; <see cref="long.MaxValue"/> where nothing but a wake-up can change the
/// choice. Where nobody may run: the time until a runnable one may again.</param>
public readonly record struct QueuePick(int Slot, long BudgetNs)
{
    /// <summary>Whether somebody may run.</summary>
    public bool Found => Slot >= 0;
}
