using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Arinc653;

namespace Bulkhead.Machine.Workers;

/// <summary>Time partitions.</summary>
internal sealed class Arinc653Policy : IPolicy
{
    private readonly TimeFrame _frame;
    private readonly string[] _partitions;
    private readonly PartitionQueue _queue;

    internal Arinc653Policy(TimeFrame frame, long allowanceNs)
    {
        _frame = frame;
        _partitions = Partitions(frame);
        _queue = new PartitionQueue(MajorFrame(frame), allowanceNs);
    }

    public int Add(Share share) => _queue.Add(Number(share));

    public bool IsUrgent(Share share) => true;

    public void Remove(int entry) => _queue.Remove(entry);

    public void Change(int entry, Share share) => _queue.Change(entry, Number(share));

    public void Wake(int entry) => _queue.Wake(entry);

    public void Block(int entry, bool voluntary) => _queue.Block(entry);

    public (int Entry, long BudgetNs) Pick(long nowNs)
    {
        QueuePick pick = _queue.Pick(nowNs);
        return (pick.Slot, pick.BudgetNs);
    }

    public bool MayPrecede(int entry) => _queue.IsInWindow(entry);

    public long ClosedNs(int entry, long fromNs, long toNs) => _queue.OutsideNs(entry, fromNs, toNs);

    public void Charge(long ranNs, long nowNs) => _queue.Charge(ranNs, nowNs);

    /// <summary>What became of each window so far.</summary>
    internal IEnumerable<WindowReport> Report(int cpu) => _frame.Windows.Select((window, i) =>
    {
        WindowLog log = _queue.Log(i);
        return new WindowReport(cpu, window, log.RanNs, log.Overruns, log.OverrunNs, log.LastOverrunNs);
    });

    /// <summary>The names of the partitions; the index is the partition's number.</summary>
    internal static string[] Partitions(TimeFrame frame) => [.. frame.Windows.Select(static w => w.Partition).Distinct()];

    /// <summary>The frame with numbers for names.</summary>
    internal static MajorFrame MajorFrame(TimeFrame frame)
    {
        string[] names = Partitions(frame);
        PartitionWindow[] windows =
            [.. frame.Windows.Select(w => new PartitionWindow(Array.IndexOf(names, w.Partition), w.AtNs, w.LengthNs))];
        return new MajorFrame(frame.MajorNs, windows);
    }

    // Who has no window never runs: the number of no partition.
    private int Number(Share share)
    {
        int number = Array.IndexOf(_partitions, share.Partition);
        return number < 0 ? _partitions.Length : number;
    }
}
