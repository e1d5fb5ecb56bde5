namespace Bulkhead.Machine.Workers;

/// <summary>So much real time in every period.</summary>
/// <param name="PeriodNs">The period.</param>
/// <param name="BudgetNs">From 1 to the period.</param>
/// <param name="Extra">Whether it may take time nobody reserved when the budget is used up.</param>
public sealed record CpuReservation(long PeriodNs, long BudgetNs, bool Extra);
