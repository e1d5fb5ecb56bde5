namespace Bulkhead.Scheduling.Edf;

/// <summary>One vCPU's state in an <see cref="EdfQueue"/>: a constant-bandwidth server.</summary>
internal struct EdfEntry
{
    public EdfParameters Parameters;

    /// <summary>c: what is left of the budget; not positive: exhausted, and by how much a turn exceeded it.</summary>
    public long LeftNs;

    /// <summary>d: until when the budget is to be had, and when the next one comes.</summary>
    public long DeadlineNs;

    /// <summary>When the last budget came that it waited for; 0 where it never did.</summary>
    public long FundedNs;

    public RingPlace Place;
    public long RanNs;
    public bool Runnable;

    /// <summary>Woke since the last pick, which will judge whether its old budget and deadline still hold.</summary>
    public bool Fresh;

    /// <summary>Runnable with budget left: served by deadline.</summary>
    public readonly bool IsServed => Runnable && Parameters.IsReserved && LeftNs > 0;

    /// <summary>Runnable without: by time nobody reserved, where it may.</summary>
    public readonly bool IsInRing => Runnable && Parameters.TakesExtra && LeftNs <= 0;

    /// <summary>How long until an exhausted one that wants to run gets its next budget, or <see cref="long.MaxValue"/>.</summary>
    public readonly long UntilNextBudget(long nowNs) =>
        Runnable && Parameters.IsReserved && LeftNs <= 0 ? DeadlineNs - nowNs : long.MaxValue;

    /// <summary>Applies what time and waking up did to budget and deadline.</summary>
    public void Refresh(long nowNs)
    {
        if (!Runnable || !Parameters.IsReserved)
        {
            return;
        }

        if (Fresh && IsStale(nowNs))
        {
            DeadlineNs = nowNs + Parameters.PeriodNs;
            LeftNs = Parameters.BudgetNs + Math.Min(LeftNs, 0);
        }

        Fresh = false;
        if (LeftNs <= 0 && nowNs >= DeadlineNs)
        {
            FundedNs = DeadlineNs;
            Replenish(nowNs);
        }
    }

    /// <summary>Charges a run on the reservation, which ended at <paramref name="nowNs"/>.</summary>
    /// <remarks>What a turn took beyond the budget is paid out of the next one: of one at most, however long the host kept us;
    /// the periods that passed while it ran pay nothing.</remarks>
    public void Charge(long ranNs, long nowNs)
    {
        LeftNs = Math.Max(LeftNs - ranNs, -Parameters.BudgetNs);
        if (LeftNs <= 0 && nowNs > DeadlineNs)
        {
            DeadlineNs = nowNs - ((nowNs - DeadlineNs) % Parameters.PeriodNs);
        }
    }

    // The rule of waking up: the rest of the budget until the old deadline must not be more than its bandwidth, c / (d - now) > Q / P.
    private readonly bool IsStale(long nowNs) =>
        nowNs >= DeadlineNs
        || (LeftNs > 0 && (Int128)LeftNs * Parameters.PeriodNs > (Int128)(DeadlineNs - nowNs) * Parameters.BudgetNs);

    // Each period that has passed since pays what turns took beyond their budgets, also where it is noticed only now.
    private void Replenish(long nowNs)
    {
        do
        {
            DeadlineNs += Parameters.PeriodNs;
            LeftNs += Parameters.BudgetNs;
        }
        while (LeftNs <= 0 && DeadlineNs <= nowNs);

        if (DeadlineNs <= nowNs)
        {
            // More than a period late: the host kept the CPU from us. What is gone is gone.
            DeadlineNs = nowNs + Parameters.PeriodNs;
        }
    }
}
