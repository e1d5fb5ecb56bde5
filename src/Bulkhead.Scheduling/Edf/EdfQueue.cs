namespace Bulkhead.Scheduling.Edf;

/// <summary>Reservations on one pCPU, earliest deadline first: who runs next, and for how long.</summary>
/// <remarks>
/// <para><i>Use</i>: as <see cref="BvtQueue"/>: pick, run for at most the budget, charge; then wake and block, then pick
/// again. A wake-up ends the turn.</para>
/// <para><i>Rules</i>: each vCPU with a reservation is a constant-bandwidth server with a budget c and a deadline d. Waking
/// up, it keeps them if c &lt;= (d - now) Q / P, else d = now + P and c = Q; one that has used up its budget keeps
/// them until d, else it could have a new one by sleeping. Running for t takes t from c. At c = 0 it has no right to
/// the pCPU before d (a hard reservation); then c = Q and d moves on by P. Of those with budget the one with the
/// earliest deadline runs; ties: the running one, then the lower slot. Where there is none, those without a
/// reservation and those whose budget is used up and that may take extra time share the pCPU in turn, a slice each.</para>
/// <para><i>Guarantee</i>: <see cref="EdfBounds"/>.</para>
/// <para><i>Units</i>: nanoseconds, exact. <i>Errors</i>: a wrong slot or a call out of order is our error and throws.
/// <i>Threading</i>: the pCPU's worker. <i>Cost</i>: two scans of the slots; allocates in <see cref="Add"/> only.
/// <i>Source</i>: L. Abeni, G. Buttazzo, "Integrating multimedia applications in hard real-time systems", RTSS 1998, the
/// constant bandwidth server; theirs postpones the deadline at c = 0 and goes on at once, here the next budget
/// waits for d. C. L. Liu, J. W. Layland, "Scheduling algorithms for multiprogramming in a hard-real-time environment", JACM
/// 20(1), 1973, 7 The deadline driven scheduling algorithm.</para>
/// </remarks>
public sealed class EdfQueue
{
    private readonly SlotTable<EdfEntry> _slots = new();
    private Ring _ring;
    private int _running = -1;
    private bool _onReservation;

    /// <summary>Creates the empty queue of a pCPU.</summary>
    /// <param name="sliceNs">How long a turn on unreserved time may be where others wait for such.</param>
    public EdfQueue(long sliceNs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sliceNs, 1);
        _ring = new Ring(sliceNs);
    }

    /// <summary>Takes a vCPU in, blocked; returns the slot that names it here.</summary>
    public int Add(in EdfParameters parameters)
    {
        parameters.Check();
        return _slots.Add(new EdfEntry { Parameters = parameters, DeadlineNs = long.MinValue });
    }

    /// <summary>Lets a vCPU go; its slot may be given to another.</summary>
    public void Remove(int slot)
    {
        Block(slot);
        _slots.Remove(slot);
    }

    /// <summary>Changes the reservation from now on: the deadline stays, and no more budget than the new one is left.</summary>
    public void Change(int slot, in EdfParameters parameters)
    {
        parameters.Check();
        ref EdfEntry entry = ref _slots.At(slot);
        entry.LeftNs = Math.Min(entry.LeftNs, parameters.BudgetNs);
        entry.DeadlineNs = entry.Parameters.IsReserved ? entry.DeadlineNs : long.MinValue;
        entry.Parameters = parameters;
        entry.Fresh = true;
    }

    /// <summary>Makes a vCPU runnable; nothing happens where it is already.</summary>
    public void Wake(int slot)
    {
        ref EdfEntry entry = ref _slots.At(slot);
        if (!entry.Runnable)
        {
            entry.Runnable = true;
            entry.Fresh = true;
            _ring.ToTail(ref entry.Place);
        }
    }

    /// <summary>Makes a vCPU not runnable; charge it first where it was running.</summary>
    public void Block(int slot)
    {
        _slots.At(slot).Runnable = false;
        if (_running == slot)
        {
            _running = -1;
        }
    }

    /// <summary>Chooses who runs from <paramref name="nowNs"/> on, and how long before the choice must be made again.</summary>
    /// <remarks>The budget ends where the chosen one's does, or its slice, or where another's next budget would put it first.</remarks>
    public QueuePick Pick(long nowNs)
    {
        int served = -1;
        int first = -1;
        bool shared = false;
        for (int slot = 0; slot < _slots.End; slot++)
        {
            ref EdfEntry entry = ref _slots.Any(slot);
            entry.Refresh(nowNs);
            if (entry.IsServed && (served < 0 || Precedes(slot, served)))
            {
                served = slot;
            }
            else if (entry.IsInRing)
            {
                shared |= first >= 0;
                first = first < 0 || entry.Place.Order < _slots.Any(first).Place.Order ? slot : first;
            }
        }

        _onReservation = served >= 0;
        _running = _onReservation ? served : first;
        long most = _onReservation ? _slots.Any(served).LeftNs : shared ? _slots.Any(first).Place.LeftNs : long.MaxValue;
        return new QueuePick(_running, Math.Min(most, UntilPreempted(nowNs)));
    }

    /// <summary>Charges the running vCPU for a run that ended at <paramref name="nowNs"/>.</summary>
    public void Charge(long ranNs, long nowNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ranNs);
        if (_running < 0)
        {
            throw new InvalidOperationException("Nobody is running: pick first, and charge before blocking.");
        }

        ref EdfEntry entry = ref _slots.Any(_running);
        entry.RanNs += ranNs;
        if (!_onReservation)
        {
            _ring.Charge(ref entry.Place, ranNs);
            return;
        }

        entry.Charge(ranNs, nowNs);
        if (entry.LeftNs <= 0)
        {
            _ring.ToTail(ref entry.Place);
        }
    }

    /// <summary>c: what is left of the budget as of the last pick; not positive where it is used up.</summary>
    public long LeftNs(int slot) => _slots.At(slot).LeftNs;

    /// <summary>d, as of the last pick.</summary>
    public long DeadlineNs(int slot) => _slots.At(slot).DeadlineNs;

    /// <summary>How much of a time in which it waited it had no right to the pCPU in, its budget being used up; 0 for one that may take extra time.</summary>
    public long UnfundedNs(int slot, long fromNs, long toNs)
    {
        ref EdfEntry entry = ref _slots.At(slot);
        return entry.Parameters.TakesExtra ? 0 : Math.Max(Math.Min(entry.FundedNs, toNs) - fromNs, 0);
    }

    /// <summary>Whether the vCPU is runnable.</summary>
    public bool IsRunnable(int slot) => _slots.At(slot).Runnable;

    /// <summary>All real time charged to the vCPU.</summary>
    public long RanNs(int slot) => _slots.At(slot).RanNs;

    /// <summary>Whether the turn that was picked last is on a reservation.</summary>
    public bool OnReservation => _onReservation;

    // The slots are scanned upwards, so the one found before has the lower slot.
    private bool Precedes(int slot, int before)
    {
        long deadline = _slots.Any(slot).DeadlineNs;
        long earliest = _slots.Any(before).DeadlineNs;
        return deadline < earliest || (deadline == earliest && slot == _running);
    }

    private long UntilPreempted(long nowNs)
    {
        long until = long.MaxValue;
        for (int slot = 0; slot < _slots.End; slot++)
        {
            ref EdfEntry entry = ref _slots.Any(slot);
            long wait = entry.UntilNextBudget(nowNs);
            if (wait < until
                && (!_onReservation || entry.DeadlineNs + entry.Parameters.PeriodNs < _slots.Any(_running).DeadlineNs))
            {
                until = wait;
            }
        }

        return until;
    }
}
