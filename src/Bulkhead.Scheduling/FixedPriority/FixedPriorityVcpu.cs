using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Scheduling.FixedPriority;

/// <summary>All that one vCPU may be under fixed priorities: its own parameters, and its classes, the most urgent first.</summary>
public sealed record FixedPriorityVcpu(FixedPriorityParameters Own, IReadOnlyList<FixedPriorityClass> Classes)
{
    /// <summary>A vCPU without classes.</summary>
    public FixedPriorityVcpu(FixedPriorityParameters own)
        : this(own, [])
    {
    }

    /// <summary>The priority in a class; 0 = its own.</summary>
    public int PriorityIn(int place) => place == 0 ? Own.Priority : Classes[place - 1].Priority;

    /// <summary>The least priority with which it waits after a wake-up, while no budget of a class is used up.</summary>
    public int LevelPriority => LeastPriority(static _ => true);

    /// <summary>The least priority with which it waits after a wake-up, whatever it did before.</summary>
    public int WorstPriority => LeastPriority(static budget => !budget.IsLimited);

    // As with warps: see BvtVcpu.
    private int LeastPriority(Func<ClassBudget, bool> isSure)
    {
        int least = int.MaxValue;
        foreach (FixedPriorityClass one in Classes.Where(static c => c.Rule.MayHoldAtWake))
        {
            least = Math.Min(least, one.Priority);
            if (one.Rule.WakeNs != 0 && isSure(one.Rule.Budget))
            {
                return least;
            }
        }

        return Math.Min(least, Own.Priority);
    }
}
