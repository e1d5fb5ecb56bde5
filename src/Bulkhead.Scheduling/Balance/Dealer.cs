namespace Bulkhead.Scheduling.Balance;

/// <summary>Deals the vCPUs of a pool to its CPUs: each to the one with the fewest so far, of these to the first.</summary>
/// <remarks>Where nobody is bound to certain CPUs, that is to all in turn.</remarks>
public sealed class Dealer
{
    private readonly int[] _dealt;

    /// <summary>Creates one for a pool of so many CPUs.</summary>
    public Dealer(int cpus) => _dealt = new int[cpus];

    /// <summary>The CPU of the next vCPU, which may be on these only, or on any where none are named.</summary>
    public int Next(IReadOnlyList<int> cpus)
    {
        ArgumentNullException.ThrowIfNull(cpus);
        int best = -1;
        for (int cpu = 0; cpu < _dealt.Length; cpu++)
        {
            if ((cpus.Count == 0 || cpus.Contains(cpu)) && (best < 0 || _dealt[cpu] < _dealt[best]))
            {
                best = cpu;
            }
        }

        if (best < 0)
        {
            throw new ArgumentException("None of the CPUs is one of the pool's.", nameof(cpus));
        }

        _dealt[best]++;
        return best;
    }
}
