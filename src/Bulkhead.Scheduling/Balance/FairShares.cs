namespace Bulkhead.Scheduling.Balance;

/// <summary>What each vCPU of a pool gets of a CPU where all want to run and all may run everywhere.</summary>
/// <remarks>
/// By weight, but nobody more than one CPU, since a vCPU is on one at a time: who would get more has a CPU of its own, and the others
/// share what is left by weight. <i>Cost</i>: vCPUs times CPUs; nothing is allocated. <i>Source</i>: A. Chandra, M. Adler, P. Goyal,
/// P. Shenoy, "Surplus fair scheduling: a proportional-share CPU scheduling algorithm for symmetric multiprocessors", OSDI 2000,
/// 2.1 Infeasible weights.
/// </remarks>
public static class FairShares
{
    /// <summary>Computes them: 0 where the weight is 0 (it does not want to run), at most 1.</summary>
    public static void Compute(ReadOnlySpan<int> weights, int cpus, Span<double> shares)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        shares[..weights.Length].Clear();
        long sum = 0;
        foreach (int weight in weights)
        {
            sum += weight;
        }

        int left = cpus;
        while (left > 0 && TakeWhole(weights, shares, ref left, ref sum))
        {
        }

        for (int i = 0; i < weights.Length; i++)
        {
            shares[i] = shares[i] != 0 || weights[i] == 0 ? shares[i] : (double)weights[i] * left / sum;
        }
    }

    private static bool TakeWhole(ReadOnlySpan<int> weights, Span<double> shares, ref int left, ref long sum)
    {
        bool any = false;
        for (int i = 0; i < weights.Length && left > 0; i++)
        {
            if (shares[i] == 0 && weights[i] > 0 && (long)weights[i] * left >= sum)
            {
                (shares[i], any) = (1, true);
                sum -= weights[i];
                left--;
            }
        }

        return any;
    }
}
