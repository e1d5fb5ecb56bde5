namespace Bulkhead.Scheduling;

/// <summary>One vCPU's state in a queue.</summary>
internal struct BvtEntry
{
    public BvtParameters Parameters;

    /// <summary>A, scaled by <see cref="VirtualTime.One"/>.</summary>
    public Int128 Actual;

    /// <summary>What the division by the weight left over, in scaled units times the weight: below the weight.</summary>
    public long Residue;

    public long RanNs;

    /// <summary>How long it has run warped since it last woke or regained its warp.</summary>
    public long WarpUsedNs;

    /// <summary>When it may warp again; meaningful while <see cref="WarpLost"/>, MaxValue = at its next wake.</summary>
    public long RegainNs;

    public bool Used;
    public bool Runnable;
    public bool WarpLost;

    /// <summary>Became runnable since the last pick: the allowance of the running one does not hold against it.</summary>
    public bool Fresh;

    public BlockKind Blocked;

    public readonly bool IsWarped(long nowNs) => Parameters.UsableWarpNs != 0 && !IsLost(nowNs);

    // A warp without a limit is not lost, though another, of another class, was.
    private readonly bool IsLost(long nowNs) => WarpLost && Parameters.WarpLimitNs != 0 && nowNs < RegainNs;

    /// <summary>E, scaled.</summary>
    public readonly Int128 Effective(long nowNs) =>
        IsWarped(nowNs) ? Actual - VirtualTime.Scale(Parameters.WarpNs) : Actual;

    /// <summary>How long until a lost warp applies again, or <see cref="long.MaxValue"/>.</summary>
    public readonly long UntilRegain(long nowNs) =>
        Parameters.UsableWarpNs != 0 && RegainNs != long.MaxValue && IsLost(nowNs) ? RegainNs - nowNs : long.MaxValue;

    /// <summary>Charges a run that ended at <paramref name="nowNs"/>.</summary>
    public void Charge(long ranNs, long nowNs)
    {
        RanNs += ranNs;
        Actual += VirtualTime.Divide(ranNs, Parameters.Weight, ref Residue);
        if (Parameters.WarpLimitNs != 0 && Parameters.UsableWarpNs != 0)
        {
            ChargeWarp(ranNs, nowNs);
        }
    }

    // The result depends on the time run and on now only, not on how often the run was looked at: a vCPU that was
    // alone for an hour, with no reason to look, comes out of it in the phase of its limit it would have been in.
    private void ChargeWarp(long ranNs, long nowNs)
    {
        long warped = ranNs;
        if (WarpLost)
        {
            if (nowNs < RegainNs)
            {
                return;
            }

            WarpLost = false;
            WarpUsedNs = 0;
            warped = Math.Min(ranNs, nowNs - RegainNs);
        }

        WarpUsedNs += warped;
        long over = WarpUsedNs - Parameters.WarpLimitNs;
        if (over < 0)
        {
            return;
        }

        long unwarp = Parameters.UnwarpNs;
        if (unwarp == 0)
        {
            Lose(long.MaxValue);
            return;
        }

        over %= Parameters.WarpLimitNs + unwarp;
        if (over < unwarp)
        {
            Lose(nowNs + unwarp - over);
        }
        else
        {
            WarpUsedNs = over - unwarp;
        }
    }

    private void Lose(long regainNs)
    {
        WarpLost = true;
        WarpUsedNs = 0;
        RegainNs = regainNs;
    }
}
