namespace Bulkhead.Scheduling.FixedPriority;

/// <summary>Preemptive fixed priorities on one pCPU.</summary>
/// <remarks>
/// <para><i>Use</i>: as <see cref="BvtQueue"/>.</para>
/// <para><i>Rules</i>: the runnable vCPUs of the highest priority run in turn, a slice each, in the order in which they became
/// runnable. Who is preempted by a higher priority keeps its place and what is left of its slice; who uses up its slice
/// or blocks goes behind the others of its priority.</para>
/// <para><i>Guarantee</i>: <see cref="FixedPriorityBounds"/>.</para>
/// <para><i>Errors</i>: a wrong slot or a call out of order is our error and throws. <i>Threading</i>: the pCPU's worker.
/// <i>Cost</i>: a scan of the slots; allocates in <see cref="Add"/> only. <i>Source</i>: POSIX.1-2017, 2.8.4 Process
/// Scheduling, SCHED_RR.</para>
/// </remarks>
public sealed class FixedPriorityQueue
{
    /// <summary>The most urgent priority; the least is 0.</summary>
    public const int MaxPriority = 255;

    private readonly SlotTable<FixedPriorityEntry> _slots = new();
    private Ring _ring;
    private int _running = -1;

    /// <summary>Creates the empty queue of a pCPU.</summary>
    /// <param name="sliceNs">How long a turn may be where others of the same priority want to run.</param>
    public FixedPriorityQueue(long sliceNs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sliceNs, 1);
        _ring = new Ring(sliceNs);
    }

    /// <summary>Takes a vCPU in, blocked; returns the slot that names it here.</summary>
    public int Add(int priority)
    {
        Check(priority);
        return _slots.Add(new FixedPriorityEntry { Priority = priority });
    }

    /// <summary>Lets a vCPU go; its slot may be given to another.</summary>
    public void Remove(int slot)
    {
        Block(slot);
        _slots.Remove(slot);
    }

    /// <summary>Changes a priority from now on; behind those that have it already. One that has it keeps its place.</summary>
    public void Change(int slot, int priority)
    {
        Check(priority);
        ref FixedPriorityEntry entry = ref _slots.At(slot);
        if (priority != entry.Priority)
        {
            entry.Priority = priority;
            _ring.ToTail(ref entry.Place);
        }
    }

    /// <summary>Makes a vCPU runnable; nothing happens where it is already.</summary>
    public void Wake(int slot)
    {
        ref FixedPriorityEntry entry = ref _slots.At(slot);
        if (!entry.Runnable)
        {
            entry.Runnable = true;
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

    /// <summary>Chooses who runs, and how long before the choice must be made again: to the end of the slice, where one of the same priority waits.</summary>
    public QueuePick Pick()
    {
        int first = -1;
        bool shared = false;
        for (int slot = 0; slot < _slots.End; slot++)
        {
            ref FixedPriorityEntry entry = ref _slots.Any(slot);
            if (!entry.Runnable)
            {
                continue;
            }

            int above = first < 0 ? 1 : entry.Priority - _slots.Any(first).Priority;
            shared = above == 0 || (shared && above < 0);
            if (above > 0 || (above == 0 && entry.Place.Order < _slots.Any(first).Place.Order))
            {
                first = slot;
            }
        }

        _running = first;
        return new QueuePick(first, shared ? _slots.Any(first).Place.LeftNs : long.MaxValue);
    }

    /// <summary>Charges the running vCPU.</summary>
    public void Charge(long ranNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ranNs);
        if (_running < 0)
        {
            throw new InvalidOperationException("Nobody is running: pick first, and charge before blocking.");
        }

        ref FixedPriorityEntry entry = ref _slots.Any(_running);
        entry.RanNs += ranNs;
        _ring.Charge(ref entry.Place, ranNs);
    }

    /// <summary>The vCPU's priority.</summary>
    public int Priority(int slot) => _slots.At(slot).Priority;

    /// <summary>Whether the vCPU is runnable.</summary>
    public bool IsRunnable(int slot) => _slots.At(slot).Runnable;

    /// <summary>Whether the vCPU's priority is higher than that of who was picked last.</summary>
    public bool IsAboveRunning(int slot) => _running < 0 || _slots.At(slot).Priority > _slots.Any(_running).Priority;

    /// <summary>All real time charged to the vCPU.</summary>
    public long RanNs(int slot) => _slots.At(slot).RanNs;

    private static void Check(int priority)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(priority);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(priority, MaxPriority);
    }
}
