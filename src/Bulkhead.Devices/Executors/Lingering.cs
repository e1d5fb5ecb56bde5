using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Executors;

/// <summary>How long a device's thread looks for more to do before it sleeps, and on which host CPUs.</summary>
/// <param name="ForNs">How long.</param>
/// <param name="TakenCpus">Those where it does not: they are for vCPUs, which it would keep from running.</param>
public sealed record Lingering(long ForNs, IReadOnlyList<int> TakenCpus)
{
    private readonly ulong[] _taken = MaskOf(TakenCpus);

    /// <summary>Whether the calling thread stands where it may.</summary>
    internal bool IsAllowedHere => IsAllowedOn(HostThread.CurrentCpu());

    internal bool IsAllowedOn(int cpu) => cpu >> 6 >= _taken.Length || (_taken[cpu >> 6] & (1ul << (cpu & 63))) == 0;

    private static ulong[] MaskOf(IReadOnlyList<int> cpus)
    {
        ulong[] mask = new ulong[(cpus.DefaultIfEmpty(-1).Max() >> 6) + 1];
        foreach (int cpu in cpus)
        {
            mask[cpu >> 6] |= 1ul << (cpu & 63);
        }

        return mask;
    }
}
