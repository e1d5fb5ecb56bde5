using Bulkhead.Machine.Domains;

namespace Bulkhead.Machine.Workers;

/// <summary>The workers of a pool: vCPUs are dealt to them in turn.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class Pool(IReadOnlyList<PcpuWorker> workers)
{
    private int _placed;

    /// <summary>One for each host CPU.</summary>
    internal IReadOnlyList<PcpuWorker> Workers => workers;

    /// <summary>Places every vCPU of a domain; before the workers start.</summary>
    internal void Place(Domain domain, Share share)
    {
        foreach (VcpuSlot slot in domain.Slots)
        {
            workers[_placed++ % workers.Count].Place(slot, share);
        }
    }
}
