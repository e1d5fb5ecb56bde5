using System.Diagnostics;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine;

/// <summary>Makes the policy of one of a pool's CPUs.</summary>
internal static class PolicyFactory
{
    internal static IPolicy Create(PoolRequest pool) => Create(pool.Policy, pool.AllowanceNs, pool.Frame);

    /// <summary>Makes it; time partitions need a frame.</summary>
    internal static IPolicy Create(SchedulingPolicy policy, long allowanceNs, TimeFrame? frame) => policy switch
    {
        SchedulingPolicy.Bvt => new BvtPolicy(allowanceNs),
        SchedulingPolicy.Edf => new EdfPolicy(allowanceNs),
        SchedulingPolicy.Arinc653 => new Arinc653Policy(
            frame ?? throw new ArgumentException("Time partitions need a frame.", nameof(frame)), allowanceNs),
        SchedulingPolicy.FixedPriority => new FixedPriorityPolicy(allowanceNs),
        SchedulingPolicy.Null => new NullPolicy(),
        _ => throw new UnreachableException($"No policy {policy}."),
    };
}
