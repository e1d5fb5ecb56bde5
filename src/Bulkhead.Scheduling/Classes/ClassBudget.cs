namespace Bulkhead.Scheduling.Classes;

/// <summary>How long a vCPU may run in a class: <see cref="LimitNs"/>, after which it must stay out of it for <see cref="RestNs"/>.</summary>
/// <remarks>
/// <para>What is counted is time run in the class; the count begins anew when it did not run in it for the rest, and no sooner: not by
/// sleeping, not by another class in between.</para>
/// <para><i>Units</i>: real nanoseconds; a limit of 0 = none.</para>
/// </remarks>
public readonly record struct ClassBudget(long LimitNs, long RestNs)
{
    /// <summary>Whether there is a limit.</summary>
    public bool IsLimited => LimitNs != 0;

    /// <summary>The part of the pCPU that it can take for long.</summary>
    public double Share => IsLimited ? (double)LimitNs / ((double)LimitNs + RestNs) : 1;

    /// <summary>The most that can be run in the class within a time, where a turn goes on for at most the overrun behind its end.</summary>
    /// <remarks>
    /// <para>Claim: (floor(w / (L + R)) + 1) (L + o), for limit L, rest R, overrun o and any time of length w.</para>
    /// <para>Proof: the times at which the count began anew divide what is run into pieces of at most L + o, with R between them in which
    /// nothing is run. Let n be the floor, so that w &lt; (n + 1) (L + R). With up to n + 1 pieces the claim is plain. With m &gt;= n + 2
    /// pieces the rests take (n + 1) R at least, so what is run is below (n + 1) (L + R) - (n + 1) R = (n + 1) L.</para>
    /// <para><i>Units</i>: nanoseconds, at most <see cref="long.MaxValue"/>; no limit is all of the time.</para>
    /// </remarks>
    public long MostNs(long windowNs, long overrunNs)
    {
        if (!IsLimited)
        {
            return long.MaxValue;
        }

        Int128 most = ((Int128)(windowNs / checked(LimitNs + RestNs)) + 1) * checked(LimitNs + overrunNs);
        return most > long.MaxValue ? long.MaxValue : (long)most;
    }
}
