namespace Bulkhead.Scheduling;

/// <summary>Who runs next, and for how long before the policy must be asked again.</summary>
/// <param name="Slot">The vCPU's slot, or -1 where nobody is runnable.</param>
/// <param name="BudgetNs">Real time, at least 1; <see cref="long.MaxValue"/> where nobody else is runnable.</param>
public readonly record struct BvtPick(int Slot, long BudgetNs)
{
    /// <summary>Whether somebody is runnable.</summary>
    public bool Found => Slot >= 0;
}
