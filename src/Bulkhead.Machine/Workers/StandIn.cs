using Bulkhead.Machine.Domains;

namespace Bulkhead.Machine.Workers;

/// <summary>Who runs in place of a vCPU that spins: another of its domain, which may hold what it waits for.</summary>
/// <remarks>
/// <para>Without it two vCPUs of a domain can wait for each other for ever where time is exact: one is interrupted by the end of its
/// turn while it holds a lock, the other spins for its whole turn, and where both turns together are as long as the period of
/// a timer whose handler takes that lock, the next turn ends there too.</para>
/// <para>Who is chosen stays the policy's, and so does every bound: the chosen one pays, be it with the other's instructions. It
/// has its place back when it is woken (there is something for it to do), or when the other sleeps or spins too; then the next
/// of its domain is tried.</para>
/// <para><i>Threading</i>: the worker's thread. <i>Source</i>: Linux, virt/kvm/kvm_main.c, kvm_vcpu_on_spin.</para>
/// </remarks>
/// <param name="slots">Those of the worker.</param>
internal sealed class StandIn(List<VcpuSlot> slots)
{
    private VcpuSlot? _spinning;
    private VcpuSlot? _other;
    private int _last;

    /// <summary>Who is to run where the policy chose <paramref name="chosen"/>.</summary>
    internal VcpuSlot For(VcpuSlot chosen)
    {
        if (_other is not { Runnable: true } || chosen != _spinning)
        {
            End();
        }

        return _other ?? chosen;
    }

    /// <summary>The one that ran spins.</summary>
    internal void NoteSpin(VcpuSlot slot)
    {
        if (slot == _other)
        {
            End();
            return;
        }

        for (int i = 1; i <= slots.Count; i++)
        {
            int at = (_last + i) % slots.Count;
            VcpuSlot other = slots[at];
            if (other != slot && other.Domain == slot.Domain && other.Runnable)
            {
                (_spinning, _other, _last) = (slot, other, at);
                return;
            }
        }
    }

    /// <summary>Somebody woke a vCPU.</summary>
    internal void NoteWake(VcpuSlot slot)
    {
        if (slot == _spinning)
        {
            End();
        }
    }

    private void End() => (_spinning, _other) = (null, null);
}
