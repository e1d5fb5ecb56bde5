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
/// <param name="placed">Those of the worker.</param>
internal sealed class StandIn(List<Placement> placed)
{
    private Placement? _spinning;
    private Placement? _other;
    private int _last;

    /// <summary>Who is to run where the policy chose <paramref name="chosen"/>.</summary>
    internal Placement For(Placement chosen)
    {
        if (_other is not { Slot.Runnable: true } || chosen != _spinning)
        {
            End();
        }

        return _other ?? chosen;
    }

    /// <summary>The one that ran spins.</summary>
    internal void NoteSpin(Placement one)
    {
        if (one == _other)
        {
            End();
            return;
        }

        for (int i = 1; i <= placed.Count; i++)
        {
            int at = (_last + i) % placed.Count;
            Placement other = placed[at];
            if (other != one && other.Slot.Domain == one.Slot.Domain && other.Slot.Runnable)
            {
                (_spinning, _other, _last) = (one, other, at);
                return;
            }
        }
    }

    /// <summary>Somebody woke a vCPU.</summary>
    internal void NoteWake(Placement one)
    {
        if (one == _spinning)
        {
            End();
        }
    }

    /// <summary>One leaves this worker.</summary>
    internal void NoteLeave(Placement one)
    {
        if (one == _spinning || one == _other)
        {
            End();
        }
    }

    private void End() => (_spinning, _other) = (null, null);
}
