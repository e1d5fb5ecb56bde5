using Bulkhead.Machine.Domains;
using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Machine.Workers;

/// <content>vCPUs that come and go.</content>
internal sealed partial class PcpuWorker
{
    private PoolBalance? _balance;
    private Placement? _box;
    private int _news;
    private int _runnable;

    /// <summary>Its number in its pool.</summary>
    internal int Number { get; private set; }

    /// <summary>Any thread: how many of those here want to run.</summary>
    internal int RunnableCount => Volatile.Read(ref _runnable);

    /// <summary>Makes it one of a pool between whose workers vCPUs may move; before <see cref="Start"/>.</summary>
    internal void Join(PoolBalance balance, int number)
    {
        (_balance, Number) = (balance, number);
        _ = _placed.EnsureCapacity(balance.Vcpus);
        _mover?.Reserve(balance.Vcpus);
    }

    /// <summary>Any thread: has it look at shares, moves and permissions of those here.</summary>
    internal void Notify()
    {
        NoteNews();
        Poke(null);
    }

    /// <summary>Any thread: the same, when it comes to it.</summary>
    internal void NoteNews() => Interlocked.Exchange(ref _news, 1);

    /// <summary>Hands one over that is not running; it may be asleep.</summary>
    internal void Send(Placement placement, PcpuWorker to, long nowNs)
    {
        VcpuSlot slot = placement.Slot;
        _standIn.NoteLeave(placement);
        _ = _placed.Remove(placement);
        NotePrompt();
        Count(slot.Runnable ? -1 : 0);
        if (_mover is null)
        {
            _policy.Remove(slot.PolicyEntry);
        }
        else
        {
            placement.Migrant = _mover.Detach(slot.PolicyEntry);
        }

        slot.Waits.Leave(slot.WaitingSinceNs, nowNs, Recorder);
        placement.Leave(to, nowNs);
        to.Receive(placement);
    }

    private void Receive(Placement placement)
    {
        Placement? head = Volatile.Read(ref _box);
        Placement? before;
        do
        {
            placement.Next = before = head;
            head = Interlocked.CompareExchange(ref _box, placement, before);
        }
        while (head != before);

        Poke(null);
    }

    private void TakeNews(long nowNs)
    {
        bool news = Volatile.Read(ref _news) != 0 && Interlocked.Exchange(ref _news, 0) != 0;
        if (Volatile.Read(ref _box) is not null)
        {
            TakeBox();
            news = true; // What was set while they were on the way was announced to the worker they left.
        }

        if (news)
        {
            ReadNews(nowNs);
        }
    }

    private void TakeBox()
    {
        Placement? next = Interlocked.Exchange(ref _box, null);
        while (next is { } placement)
        {
            (next, placement.Next) = (placement.Next, null);
            Enter(placement);
            Count(placement.Slot.Runnable ? 1 : 0);
            placement.IsHere = true;
            _placed.Add(placement);
        }

        NotePrompt();
    }

    // In the policy there is: with what it is owed where it comes from one of the same kind, else as a new one.
    private void Enter(Placement placement)
    {
        VcpuSlot slot = placement.Slot;
        slot.IsUrgent = IsUrgent(placement.Entitled);
        if (_mover is not null && placement.Migrant is { } migrant)
        {
            slot.PolicyEntry = _mover.Attach(migrant);
        }
        else
        {
            slot.PolicyEntry = _policy.Add(placement.Entitled);
            if (slot.Runnable)
            {
                _policy.Wake(slot.PolicyEntry);
            }
        }

        placement.Migrant = null;
    }

    private void ReadNews(long nowNs)
    {
        for (int i = _placed.Count - 1; i >= 0; i--)
        {
            Placement placement = _placed[i];
            if (placement.TakeShare())
            {
                Entitle(placement);
                NotePrompt();
            }

            if (!placement.MayRunOn(this))
            {
                Send(placement, placement.Home, nowNs);
            }
            else if (placement.TakeWanted() is { } to && CanSend(placement, to, nowNs))
            {
                Send(placement, to, nowNs);
            }
        }
    }

    // Much may have happened since it was asked for.
    private bool CanSend(Placement placement, PcpuWorker to, long nowNs) =>
        to != this && _mover is not null && _runnable > 1 && placement.MayRunOn(to)
        && placement.Slot is { Runnable: true, IsHeld: false } slot && MoveRules.MayEven(slot.WaitingSinceNs, placement.MovedNs, nowNs);

    private void Idle(long untilNs)
    {
        if (_mover is null || _balance is null)
        {
            _idle.Wait(untilNs, _prompt);
            return;
        }

        _balance.Ask(this);
        _idle.Wait(untilNs, _prompt);
        _balance.StopAsking(this);
    }

    // What cannot run now goes to those who ask for work. A look at the pool takes a little, and is for a turn that has time.
    private void Spread(Placement next, long nowNs)
    {
        if (_mover is null || _balance is null)
        {
            return;
        }

        if (_balance.IsAskedForWork)
        {
            _balance.GiveSlow(this, next.Slot, nowNs);
        }

        if (!next.Slot.IsUrgent)
        {
            _balance.LookIfDue(nowNs);
        }
    }

    private void Count(int more)
    {
        if (more != 0)
        {
            Volatile.Write(ref _runnable, _runnable + more);
        }
    }
}
