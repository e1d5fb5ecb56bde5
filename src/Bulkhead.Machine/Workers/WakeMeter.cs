using Bulkhead.Machine.Domains;

namespace Bulkhead.Machine.Workers;

/// <summary>Fills the <see cref="WakeTimes"/> of the vCPUs of a worker.</summary>
/// <remarks><i>Threading</i>: the worker. <i>Cost</i>: some comparisons and increments a turn; nothing is allocated.</remarks>
internal sealed class WakeMeter
{
    private VcpuSlot? _last;
    private long _leftNs;
    private long _endNs;

    /// <summary>The worker sleeps: whoever is next follows on nobody.</summary>
    internal void NoteIdle() => _last = null;

    /// <summary>A turn is over.</summary>
    /// <param name="slot">Whose it was.</param>
    /// <param name="wokenNs">What woke it, where it slept before; else 0.</param>
    /// <param name="noticedNs">When the worker saw that.</param>
    /// <param name="endNs">Now.</param>
    internal void Note(VcpuSlot slot, long wokenNs, long noticedNs, long endNs)
    {
        long entered = slot.Vcpu.EnteredNs;
        if (entered != 0)
        {
            if (_last is not null && _last != slot)
            {
                slot.WakeTimes.Switch.Add(entered - _leftNs);
            }

            // Where others ran first, they were before it: that is the policy's doing.
            if (wokenNs != 0 && noticedNs >= _endNs)
            {
                (wokenNs >= _endNs ? slot.WakeTimes.Host : slot.WakeTimes.TurnEnd).Add(noticedNs - wokenNs);
                slot.WakeTimes.Entry.Add(entered - noticedNs);
            }

            (_last, _leftNs) = (slot, slot.Vcpu.LeftNs);
        }

        _endNs = endNs;
    }
}
