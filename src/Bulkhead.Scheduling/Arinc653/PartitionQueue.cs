namespace Bulkhead.Scheduling.Arinc653;

/// <summary>Time partitions on one pCPU: a partition's vCPUs run in its windows of the major frame and at no other time.</summary>
/// <remarks>
/// <para><i>Use</i>: as <see cref="BvtQueue"/>. The frame begins with the first <see cref="Pick"/> and repeats for ever.</para>
/// <para><i>Rules</i>: in a window the runnable vCPUs of its partition run in turn, a slice each, one after the other in the order
/// in which they came; a slice that the window's end cuts is continued in the next window. What a window's partition
/// does not want, and gaps, stay idle: nobody's timing depends on what another partition does. A turn that goes on past its window
/// is counted (<see cref="Log"/>).</para>
/// <para><i>Guarantee</i>: <see cref="PartitionBounds"/>.</para>
/// <para><i>Errors</i>: a wrong slot or a call out of order is our error and throws. <i>Threading</i>: the pCPU's worker.
/// <i>Cost</i>: a scan of the windows and of the slots; allocates in <see cref="Add"/> only.
/// <i>Source</i>: ARINC Specification 653 Part 1, 2.3.1 Partition Management.</para>
/// </remarks>
public sealed class PartitionQueue
{
    private readonly SlotTable<PartitionEntry> _slots = new();
    private readonly MajorFrame _frame;
    private readonly WindowLog[] _logs;
    private Ring _ring;
    private int _running = -1;
    private int _window;
    private long _windowEndNs;
    private long _startNs = long.MinValue;

    /// <summary>Creates the empty queue of a pCPU.</summary>
    /// <param name="frame">The time table.</param>
    /// <param name="sliceNs">How long a turn may be where several vCPUs of a partition want to run.</param>
    public PartitionQueue(MajorFrame frame, long sliceNs)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentOutOfRangeException.ThrowIfLessThan(sliceNs, 1);
        _frame = frame;
        _ring = new Ring(sliceNs);
        _logs = new WindowLog[frame.Windows.Length];
    }

    /// <summary>The time table.</summary>
    public MajorFrame Frame => _frame;

    /// <summary>When the first frame began; <see cref="long.MinValue"/> before the first pick.</summary>
    public long StartNs => _startNs;

    /// <summary>Charged time that lay in gaps: overruns that took nothing from anyone.</summary>
    public long GapRanNs { get; private set; }

    /// <summary>Takes a vCPU of a partition in, blocked; returns the slot that names it here.</summary>
    public int Add(int partition)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(partition);
        return _slots.Add(new PartitionEntry { Partition = partition });
    }

    /// <summary>Lets a vCPU go; its slot may be given to another.</summary>
    public void Remove(int slot)
    {
        Block(slot);
        _slots.Remove(slot);
    }

    /// <summary>Moves a vCPU to another partition.</summary>
    public void Change(int slot, int partition)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(partition);
        _slots.At(slot).Partition = partition;
    }

    /// <summary>Makes a vCPU runnable; nothing happens where it is already.</summary>
    public void Wake(int slot)
    {
        ref PartitionEntry entry = ref _slots.At(slot);
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

    /// <summary>Chooses who runs from <paramref name="nowNs"/> on, and how long before the choice must be made again.</summary>
    /// <remarks>Where nobody may: the time until the next window of one that wants to.</remarks>
    public QueuePick Pick(long nowNs)
    {
        if (_startNs == long.MinValue)
        {
            _startNs = nowNs;
        }

        long phase = (nowNs - _startNs) % _frame.LengthNs;
        int window = _frame.WindowAt(phase);
        bool shared = false;
        _running = window < 0 ? -1 : First(_frame.Windows[window].Partition, out shared);
        if (_running < 0)
        {
            return new QueuePick(-1, UntilWanted(phase));
        }

        long left = _frame.Windows[window].EndNs - phase;
        _window = window;
        _windowEndNs = nowNs + left;
        return new QueuePick(_running, shared ? Math.Min(left, _slots.Any(_running).Place.LeftNs) : left);
    }

    /// <summary>Charges the running vCPU for a run that ended at <paramref name="nowNs"/>.</summary>
    public void Charge(long ranNs, long nowNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ranNs);
        if (_running < 0)
        {
            throw new InvalidOperationException("Nobody is running: pick first, and charge before blocking.");
        }

        ref PartitionEntry entry = ref _slots.Any(_running);
        entry.RanNs += ranNs;
        _ring.Charge(ref entry.Place, ranNs);
        ref WindowLog log = ref _logs[_window];
        long over = Math.Clamp(nowNs - _windowEndNs, 0, ranNs);
        log = log with { RanNs = log.RanNs + ranNs - over };
        if (over > 0 && !_frame.IsFollowedByOwn(_window))
        {
            log = log with { Overruns = log.Overruns + 1, OverrunNs = log.OverrunNs + over, LastOverrunNs = over };
            GapRanNs += _frame.GapUntil(nowNs - _startNs) - _frame.GapUntil(_windowEndNs - _startNs);
        }
    }

    /// <summary>What became of a window so far.</summary>
    /// <param name="window">Its number in the frame.</param>
    public WindowLog Log(int window) => _logs[window];

    /// <summary>Whether the vCPU is runnable.</summary>
    public bool IsRunnable(int slot) => _slots.At(slot).Runnable;

    /// <summary>Whether the window of who was picked last is one of the vCPU's partition.</summary>
    public bool IsInWindow(int slot) => _slots.At(slot).Partition == _frame.Windows[_window].Partition;

    /// <summary>How much of a time lies outside the windows of the vCPU's partition.</summary>
    public long OutsideNs(int slot, long fromNs, long toNs)
    {
        int partition = _slots.At(slot).Partition;
        return _startNs == long.MinValue || toNs <= fromNs ? 0
            : toNs - fromNs - (_frame.WindowUntil(partition, Math.Max(toNs - _startNs, 0)) - _frame.WindowUntil(partition, Math.Max(fromNs - _startNs, 0)));
    }

    /// <summary>All real time charged to the vCPU.</summary>
    public long RanNs(int slot) => _slots.At(slot).RanNs;

    private int First(int partition, out bool shared)
    {
        int first = -1;
        shared = false;
        for (int slot = 0; slot < _slots.End; slot++)
        {
            ref PartitionEntry entry = ref _slots.Any(slot);
            if (entry.Runnable && entry.Partition == partition)
            {
                shared |= first >= 0;
                first = first < 0 || entry.Place.Order < _slots.Any(first).Place.Order ? slot : first;
            }
        }

        return first;
    }

    private long UntilWanted(long phaseNs)
    {
        long until = long.MaxValue;
        foreach (PartitionWindow window in _frame.Windows)
        {
            long wait = window.OffsetNs - phaseNs + (window.OffsetNs > phaseNs ? 0 : _frame.LengthNs);
            if (wait < until && First(window.Partition, out _) >= 0)
            {
                until = wait;
            }
        }

        return until;
    }
}
