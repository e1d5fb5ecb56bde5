using Bulkhead.Machine.Domains;
using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Balance;
using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Machine.Workers;

/// <summary>Where a vCPU is: the worker that holds it, and what goes with it to another.</summary>
/// <remarks>
/// <para><i>Moving</i>: the worker that holds it takes it out of its policy between two turns, names the next one as
/// <see cref="Owner"/>, and puts it into that one's box. What others want of a vCPU never lies with a worker: they set something in the
/// vCPU or here (a wake-up, a pause, a timer, a share), then look who the owner is and poke it. A worker that gets one from its
/// box looks at all of that afterwards. With a full fence between the two steps of either side, whoever pokes the wrong worker
/// has set it before the right one looks: nothing is lost, and nothing forwarded.</para>
/// <para><i>Classes</i>: what selects them, and what was used of their budgets, is with the vCPU (<see cref="VcpuSlot.Classes"/>); what each of them is
/// entitled to is here. A worker that gets one looks which it is in, as after a turn.</para>
/// <para><i>Threading</i>: the owner's thread, but for what says any. <i>Cost</i>: a move allocates nothing.</para>
/// </remarks>
internal sealed class Placement : IVcpuWorker
{
    private PcpuWorker _owner;
    private Share[] _entitlements;
    private Share? _newShare;
    private Share _latest;
    private PcpuWorker? _wanted;
    private bool[] _allowed = [];
    private int _sleeps;

    internal Placement(VcpuSlot slot, Share share, PcpuWorker home, bool[]? pins = null)
    {
        Slot = slot;
        _latest = share;
        _owner = Home = home;
        Pins = pins;
        _entitlements = Entitle(share);
    }

    /// <summary>The vCPU.</summary>
    internal VcpuSlot Slot { get; }

    /// <summary>The worker it was dealt to.</summary>
    internal PcpuWorker Home { get; }

    /// <summary>Any thread: the worker that holds it, or is about to.</summary>
    internal PcpuWorker Owner => Volatile.Read(ref _owner);

    /// <summary>On which CPUs of its pool the operator wants it; null for any.</summary>
    internal bool[]? Pins { get; }

    /// <summary>What it is entitled to in none of its classes.</summary>
    internal Share Share => Entitlements[0];

    /// <summary>The same, and in each of its classes.</summary>
    internal ReadOnlySpan<Share> Entitlements => Volatile.Read(ref _entitlements);

    /// <summary>What it is entitled to in the class it is in.</summary>
    internal Share Entitled => Entitlements[Math.Min(Slot.Classes?.Current ?? 0, Entitlements.Length - 1)];

    /// <summary>Any thread: the same, as it was last asked for.</summary>
    internal Share LatestShare => Volatile.Read(ref _latest);

    /// <summary>Whether its owner has it in its policy, rather than in its box.</summary>
    internal bool IsHere { get; set; } = true;

    /// <summary>What another policy of its kind let go; null while it is in one, and where it comes from one of another kind.</summary>
    internal BvtMigrant? Migrant { get; set; }

    /// <summary>When it moved last.</summary>
    internal long MovedNs { get; private set; } = -PoolBalancer.HoldNs;

    /// <summary>The host CPU it has left since its last turn; else -1.</summary>
    internal int CameFrom { get; set; } = -1;

    /// <summary>The next one in the same box.</summary>
    internal Placement? Next { get; set; }

    /// <summary>Any thread: how often it slept.</summary>
    internal int Sleeps => Volatile.Read(ref _sleeps);

    /// <summary>Any thread: changes what it is entitled to.</summary>
    internal void Change(Share share)
    {
        Volatile.Write(ref _latest, share);
        _ = Interlocked.Exchange(ref _newShare, share);
        Owner.Notify();
    }

    /// <summary>Takes on a change of its share; true where there was one.</summary>
    internal bool TakeShare()
    {
        if (Volatile.Read(ref _newShare) is null || Interlocked.Exchange(ref _newShare, null) is not { } share)
        {
            return false;
        }

        Volatile.Write(ref _entitlements, Entitle(share));
        return true;
    }

    /// <summary>Any thread: asks the owner to hand it over.</summary>
    internal void Want(PcpuWorker worker)
    {
        _ = Interlocked.Exchange(ref _wanted, worker);
        Owner.NoteNews();
    }

    /// <summary>Takes note of who wants it, or null.</summary>
    internal PcpuWorker? TakeWanted() => Volatile.Read(ref _wanted) is null ? null : Interlocked.Exchange(ref _wanted, null);

    /// <summary>Any thread: whether it may be on the CPU with this number in its pool.</summary>
    internal bool MayRunOn(PcpuWorker worker)
    {
        bool[] allowed = Volatile.Read(ref _allowed);
        return worker == Home || (allowed.Length > 0 && allowed[worker.Number]);
    }

    /// <summary>The control thread: says on which CPUs of its pool it may be; its home is always one.</summary>
    internal void Allow(bool[] allowed) => Volatile.Write(ref _allowed, allowed);

    /// <summary>It went to sleep.</summary>
    internal void NoteSleep() => Volatile.Write(ref _sleeps, _sleeps + 1);

    /// <summary>It goes to another worker; from now on that one is poked.</summary>
    internal void Leave(PcpuWorker to, long nowNs)
    {
        (MovedNs, CameFrom, IsHere) = (nowNs, CameFrom < 0 ? Owner.Cpu : CameFrom, false);
        Slot.NoteMove();
        _ = Interlocked.Exchange(ref _owner, to);
    }

    /// <inheritdoc/>
    public long NowNs => Owner.NowNs;

    /// <inheritdoc/>
    public long CpuNowNs => Owner.CpuNowNs;

    /// <inheritdoc/>
    public void Poke(VcpuSlot? slot) => Owner.Poke(slot);

    /// <inheritdoc/>
    public void OnEarlierDeadline(VcpuSlot slot) => Owner.OnEarlierDeadline(slot);

    // The vCPU takes on the classes of a share; what it said before, and what it used of budgets, goes on.
    private Share[] Entitle(Share share)
    {
        ClassRule[] rules = [.. share.Classes.Select(static c => c.Rule)];
        Slot.Classes = rules.Length == 0 ? null : new VcpuClasses(Slot, new ClassNames([.. share.Classes.Select(static c => c.Name)]), rules, Slot.Classes);
        return [.. Enumerable.Range(0, share.Classes.Count + 1).Select(share.In)];
    }
}
