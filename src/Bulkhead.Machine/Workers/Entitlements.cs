using Bulkhead.Machine.Domains;
using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Machine.Workers;

/// <summary>What the vCPUs of one worker are entitled to, in each of their classes.</summary>
/// <remarks><i>Threading</i>: the worker's thread, or before its start. <i>Cost</i>: <see cref="Of"/> is a look-up.</remarks>
internal sealed class Entitlements
{
    private readonly Dictionary<VcpuSlot, Share[]> _shares = [];

    /// <summary>What a vCPU is entitled to now.</summary>
    internal Share Of(VcpuSlot slot)
    {
        Share[] shares = _shares[slot];
        int place = slot.Classes?.Current ?? 0;
        return shares[Math.Min(place, shares.Length - 1)];
    }

    /// <summary>Whether something holds of what a vCPU is entitled to, in any of its classes.</summary>
    internal bool Any(VcpuSlot slot, Func<Share, bool> holds) => _shares[slot].Any(holds);

    /// <summary>Gives a vCPU another share, and its classes with it.</summary>
    internal void Set(VcpuSlot slot, Share share)
    {
        _shares[slot] = [.. Enumerable.Range(0, share.Classes.Count + 1).Select(share.In)];
        ClassRule[] rules = [.. share.Classes.Select(static c => c.Rule)];
        slot.Classes = rules.Length == 0 ? null : new VcpuClasses(slot, new ClassNames([.. share.Classes.Select(static c => c.Name)]), rules, slot.Classes);
    }

    /// <summary>Forgets a vCPU that is placed elsewhere.</summary>
    internal void Remove(VcpuSlot slot) => _ = _shares.Remove(slot);
}
