using Bulkhead.Machine.Tracing;

namespace Bulkhead.Machine.Admission;

/// <summary>What the schedule guarantees in a time.</summary>
/// <param name="vcpus">Of every vCPU, of this pool at least.</param>
public sealed class PoolEra(IReadOnlyList<VcpuSchedule> vcpus) : ScheduleEra
{
    /// <summary>What it guarantees a vCPU; null where it knows of none.</summary>
    public VcpuSchedule? Of(string domain, int vcpu) => vcpus.FirstOrDefault(v => v.Vcpu == vcpu && v.Domain.Name == domain);
}
