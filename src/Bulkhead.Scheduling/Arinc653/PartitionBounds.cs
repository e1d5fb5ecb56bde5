namespace Bulkhead.Scheduling.Arinc653;

/// <summary>What a major frame guarantees, computed from it alone.</summary>
public static class PartitionBounds
{
    /// <summary>The longest time from wake-up to dispatch of a vCPU.</summary>
    /// <remarks>
    /// <para>Claim: with F = peers times (slice + o), it is the longest time from any end of a window of its partition until the
    /// partition's windows, each without its part within o behind another's window, have given more than F. With no peers and o = 0 that is the longest time between
    /// two windows of the partition, and it occurs.</para>
    /// <para>Proof: before it come at most the partition's other vCPUs, each for a slice and o (<see cref="Ring"/>), within these windows, of which
    /// another's turn takes no more than from its window's end to o behind it. A wake-up within a window: moving it towards the window's
    /// end takes as much from what is left of the window as it moves, so that the dispatch moves at least as far, and
    /// the wait does not fall. In a gap: moving it back to the window's end before changes nothing but the wait, which grows. So
    /// the worst is a window's end.</para>
    /// <para><i>Units</i>: nanoseconds; <see cref="long.MaxValue"/> = never.</para>
    /// </remarks>
    /// <param name="frame">The time table.</param>
    /// <param name="partition">The vCPU's partition.</param>
    /// <param name="peers">How many other vCPUs of it share its windows.</param>
    /// <param name="sliceNs">The slice.</param>
    /// <param name="overrunNs">How far a turn may exceed its budget: o.</param>
    public static long WorstDispatchNs(MajorFrame frame, int partition, int peers, long sliceNs, long overrunNs)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentOutOfRangeException.ThrowIfNegative(peers);
        ArgumentOutOfRangeException.ThrowIfNegative(overrunNs);
        Int128 before = (Int128)peers * (sliceNs + overrunNs);
        Int128 worst = -1;
        for (int i = 0; i < frame.Windows.Length; i++)
        {
            if (frame.Windows[i].Partition == partition)
            {
                worst = Int128.Max(worst, From(frame, i, before, overrunNs));
            }
        }

        return worst < 0 || worst > long.MaxValue ? long.MaxValue : (long)worst;
    }

    /// <summary>How much of every frame a partition has.</summary>
    public static long WindowNs(MajorFrame frame, int partition)
    {
        ArgumentNullException.ThrowIfNull(frame);
        return Supply(frame, partition, overrunNs: 0);
    }

    // From the end of a window until its partition has had more than what comes before; MaxValue where it never has.
    private static Int128 From(MajorFrame frame, int window, Int128 before, long overrunNs)
    {
        PartitionWindow start = frame.Windows[window];
        long perFrame = Supply(frame, start.Partition, overrunNs);
        if (perFrame == 0)
        {
            return Int128.MaxValue;
        }

        Int128 elapsed = before / perFrame * frame.LengthNs;
        Int128 left = before % perFrame;
        for (int i = 1; ; i++)
        {
            PartitionWindow next = frame.Windows[(window + i) % frame.Windows.Length];
            if (next.Partition != start.Partition)
            {
                continue;
            }

            int frames = (window + i) / frame.Windows.Length;
            long lost = Lost(frame, (window + i) % frame.Windows.Length, overrunNs);
            long length = Math.Max(next.LengthNs - lost, 0);
            if (left < length)
            {
                return elapsed + ((Int128)frames * frame.LengthNs) + next.OffsetNs + lost + left - start.EndNs;
            }

            left -= length;
        }
    }

    private static long Supply(MajorFrame frame, int partition, long overrunNs)
    {
        long supply = 0;
        for (int i = 0; i < frame.Windows.Length; i++)
        {
            supply += frame.Windows[i].Partition == partition ? Math.Max(frame.Windows[i].LengthNs - Lost(frame, i, overrunNs), 0) : 0;
        }

        return supply;
    }

    // What a turn of the nearest window before that is another partition's may take of a window by ending late.
    private static long Lost(MajorFrame frame, int window, long overrunNs)
    {
        int count = frame.Windows.Length;
        for (int i = 1; i < count; i++)
        {
            PartitionWindow before = frame.Windows[(window + count - i) % count];
            if (before.Partition != frame.Windows[window].Partition)
            {
                long since = frame.Windows[window].OffsetNs - before.EndNs + (i > window ? frame.LengthNs : 0);
                return Math.Max(overrunNs - since, 0);
            }
        }

        return 0;
    }
}
