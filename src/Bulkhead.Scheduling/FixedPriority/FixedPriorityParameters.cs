namespace Bulkhead.Scheduling.FixedPriority;

/// <summary>A vCPU's priority, and what its guest promises, for the analysis.</summary>
/// <param name="Priority">0 to <see cref="FixedPriorityQueue.MaxPriority"/>; larger is more urgent.</param>
/// <param name="PeriodNs">It wakes at most once in this time; 0 = it promises nothing.</param>
/// <param name="BudgetNs">And runs at most so long each time. Nobody holds it to that.</param>
public readonly record struct FixedPriorityParameters(int Priority, long PeriodNs = 0, long BudgetNs = 0)
{
    /// <summary>Whether it promises anything.</summary>
    public bool IsDeclared => PeriodNs != 0;
}
