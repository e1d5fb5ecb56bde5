using System.Diagnostics;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine;

/// <summary>Makes the policy of one of a pool's CPUs.</summary>
internal static class PolicyFactory
{
    internal static IPolicy Create(PoolRequest pool) => pool.Policy switch
    {
        SchedulingPolicy.Bvt => new BvtPolicy(pool.AllowanceNs),
        SchedulingPolicy.Edf => new EdfPolicy(pool.AllowanceNs),
        SchedulingPolicy.Arinc653 => new Arinc653Policy(
            pool.Frame ?? throw new ArgumentException($"Pool {pool.Name} has time partitions, but no frame.", nameof(pool)), pool.AllowanceNs),
        SchedulingPolicy.FixedPriority => new FixedPriorityPolicy(pool.AllowanceNs),
        SchedulingPolicy.Null => new NullPolicy(),
        _ => throw new UnreachableException($"No policy {pool.Policy}."),
    };
}
