using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Scheduling;

/// <summary>All that one vCPU may be under Borrowed Virtual Time: its own parameters, and its classes, the most urgent first.</summary>
public sealed record BvtVcpu(BvtParameters Own, IReadOnlyList<BvtClass> Classes)
{
    /// <summary>A vCPU without classes.</summary>
    public BvtVcpu(BvtParameters own)
        : this(own, [])
    {
    }

    /// <summary>The parameters in a class: the warp is the class's, the weight stays.</summary>
    public BvtParameters In(int place) =>
        place == 0 ? Own : new BvtParameters { Weight = Own.Weight, WarpNs = Classes[place - 1].WarpNs };

    /// <summary>The largest warp it may have.</summary>
    public long MostWarpNs => Classes.Count == 0 ? Own.UsableWarpNs : Math.Max(Own.UsableWarpNs, Classes.Max(static c => c.WarpNs));

    /// <summary>The least warp with which it waits after a wake-up, while no budget of a class and no warp of its own is used up.</summary>
    /// <remarks>Waking selects the first class of the list that holds at wake-up; one before it may hold too, or its budget may come back.</remarks>
    public long LevelWarpNs => LeastWarpNs(Own.UsableWarpNs, static _ => true);

    /// <summary>The least warp with which it waits after a wake-up, whatever it did before.</summary>
    public long WorstWarpNs => LeastWarpNs(Own.WarpLimitNs == 0 ? Own.UsableWarpNs : 0, static budget => !budget.IsLimited);

    private long LeastWarpNs(long ownNs, Func<ClassBudget, bool> isSure)
    {
        long least = long.MaxValue;
        foreach (BvtClass one in Classes.Where(static c => c.Rule.MayHoldAtWake))
        {
            least = Math.Min(least, one.WarpNs);
            if (one.Rule.WakeNs != 0 && isSure(one.Rule.Budget))
            {
                return least;
            }
        }

        return Math.Min(least, ownNs);
    }
}
