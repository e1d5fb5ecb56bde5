using Bulkhead.Scheduling;

namespace Bulkhead.Machine.Configuration;

/// <summary>What the schedule guarantees one vCPU, computed before anything runs.</summary>
/// <param name="Domain">The domain's name.</param>
/// <param name="Vcpu">The vCPU's number in it.</param>
/// <param name="Pool">The pool's name.</param>
/// <param name="LagNs">How far ahead of its share it can get, in virtual time.</param>
/// <param name="LoanNs">Real time it can run ahead of its share and still be dispatched at once on waking; 0 = none.</param>
/// <param name="LevelDispatchNs">The longest time from wake-up to dispatch while it is not ahead of its share.</param>
/// <param name="WorstDispatchNs">The longest time from wake-up to dispatch, whatever it did before.</param>
/// <remarks>
/// <i>Source</i>: <see cref="BvtBounds"/> has the claims and their proofs. Every vCPU of the pool counts, because any of
/// them may be on the same CPU: exact for a pool of one CPU, never too small for a larger one.
/// </remarks>
public sealed record VcpuSchedule(
    string Domain, int Vcpu, string Pool, long LagNs, long LoanNs, long LevelDispatchNs, long WorstDispatchNs)
{
    /// <summary>Computes the bounds of every vCPU of a system, in the file's order.</summary>
    /// <param name="system">The system.</param>
    /// <param name="overrunNs">How far a turn may exceed its budget: the time from its end to the vCPU's exit.</param>
    public static IReadOnlyList<VcpuSchedule> Compute(SystemConfig system, long overrunNs)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentOutOfRangeException.ThrowIfNegative(overrunNs);
        var schedules = new List<VcpuSchedule>();
        foreach (PoolConfig pool in system.Pools)
        {
            DomainConfig[] domains = [.. system.Domains.Where(domain => domain.Pool == pool.Name)];
            BvtParameters[] queue =
                [.. domains.SelectMany(domain => Enumerable.Repeat(domain.Share.Parameters, domain.Vcpus))];
            int index = 0;
            foreach (DomainConfig domain in domains)
            {
                for (int vcpu = 0; vcpu < domain.Vcpus; vcpu++, index++)
                {
                    schedules.Add(Bound(domain, vcpu, pool, queue, index, overrunNs));
                }
            }
        }

        return schedules;
    }

    private static VcpuSchedule Bound(
        DomainConfig domain, int vcpu, PoolConfig pool, BvtParameters[] queue, int index, long overrunNs)
    {
        long allowance = pool.AllowanceNs;
        return new VcpuSchedule(
            domain.Name,
            vcpu,
            pool.Name,
            BvtBounds.LagNs(queue[index], allowance, overrunNs),
            BvtBounds.LoanNs(queue, index) * domain.Weight,
            BvtBounds.DispatchNs(queue, index, allowance, overrunNs, lagNs: 0, warped: true),
            BvtBounds.WorstDispatchNs(queue, index, allowance, overrunNs));
    }
}
