namespace Bulkhead.Machine.Tracing;

/// <summary>The longest waits of one vCPU in the last minute or two, each with who ran meanwhile.</summary>
/// <remarks><i>Threading</i>: the worker. <i>Cost</i>: a comparison, but for the few waits that are kept; nothing is allocated but by
/// <see cref="Worst"/>.</remarks>
internal sealed class WaitLog
{
    private const int Kept = 8;
    private const int Parts = 8;
    private const int MostTurns = 512;
    private const long WindowNs = 60_000_000_000;

    private readonly Entry _left = new();
    private Entry[] _now = NewEntries();
    private Entry[] _before = NewEntries();
    private ScheduleEra? _era;
    private long _endNs;
    private long _leastNs;

    /// <summary>Notes a wait that ended just now, if it is among the longest.</summary>
    /// <param name="wokenNs">When it was woken.</param>
    /// <param name="waitedNs">How long it waited.</param>
    /// <param name="recorder">What ran on the CPU where it waited last.</param>
    /// <param name="ownClass">The class in which it is dispatched.</param>
    /// <param name="era">The rules by which it is.</param>
    /// <param name="closed">When it could not have run.</param>
    /// <param name="entry">As what <paramref name="closed"/> knows it.</param>
    internal void Note(
        long wokenNs, long waitedNs, FlightRecorder recorder, string? ownClass = null, ScheduleEra? era = null, IClosedTime? closed = null, int entry = 0)
    {
        if (wokenNs >= _endNs || era != _era)
        {
            // Of other rules as well: what was long under them would leave no room for what is long now.
            (_now, _before) = (_before, _now);
            Array.ForEach(_now, static e => e.WaitedNs = 0);
            (_endNs, _leastNs, _era) = (wokenNs + WindowNs, 0, era);
        }

        if (waitedNs > _leastNs)
        {
            KeepSlow(wokenNs, waitedNs, recorder, ownClass, era, closed, entry);
        }
    }

    /// <summary>The vCPU goes to another CPU; where it waits (<paramref name="wokenNs"/> is not 0), what ran here meanwhile goes with it.</summary>
    internal void Leave(long wokenNs, long nowNs, FlightRecorder recorder)
    {
        (_left.WokenNs, _left.WaitedNs, _left.Count, _left.UnknownNs) = (wokenNs, nowNs - wokenNs, 0, 0);
        if (wokenNs != 0)
        {
            AddTurns(_left, wokenNs, recorder, closed: null, 0);
        }
    }

    /// <summary>The longest waits, the longest first: so many under the rules that hold now, and so many under others.</summary>
    internal IEnumerable<WaitRecord> Worst(int vcpu, ScheduleEra? present = null) =>
        _now.Concat(_before).Where(static e => e.WaitedNs > 0).OrderByDescending(static e => e.WaitedNs)
            .GroupBy(e => present is null || (e.Era == present && present.Covers(e.WokenNs))).OrderByDescending(static g => g.Key).SelectMany(g => g.Take(Kept)
            .Select(e => new WaitRecord(vcpu, e.WokenNs, e.WaitedNs, e.Class, [.. e.Parts.AsSpan(0, e.Count)], e.ClosedNs, e.Era, e.UnknownNs, g.Key)));

    private static Entry[] NewEntries() => [.. Enumerable.Range(0, Kept).Select(static _ => new Entry())];

    private void KeepSlow(long wokenNs, long waitedNs, FlightRecorder recorder, string? ownClass, ScheduleEra? era, IClosedTime? closed, int number)
    {
        Entry entry = _now[0];
        foreach (Entry other in _now)
        {
            entry = other.WaitedNs < entry.WaitedNs ? other : entry;
        }

        (entry.WokenNs, entry.WaitedNs, entry.Class, entry.Count) = (wokenNs, waitedNs, ownClass, 0);
        (entry.Era, entry.ClosedNs) = (era, closed?.ClosedNs(number, wokenNs, wokenNs + waitedNs) ?? 0);
        bool moved = _left.WokenNs == wokenNs;
        entry.UnknownNs = moved ? _left.UnknownNs : 0;
        AddTurns(entry, moved ? wokenNs + _left.WaitedNs : wokenNs, recorder, closed, number);
        for (int i = 0; moved && i < _left.Count; i++)
        {
            Add(entry, _left.Parts[i]);
        }

        entry.Parts.AsSpan(0, entry.Count).Reverse();
        _leastNs = long.MaxValue;
        foreach (Entry other in _now)
        {
            _leastNs = Math.Min(_leastNs, other.WaitedNs);
        }
    }

    // What ran on one CPU from a time to the end of the entry's wait, the latest first.
    private static void AddTurns(Entry entry, long fromNs, FlightRecorder recorder, IClosedTime? closed, int number)
    {
        for (int back = 0; recorder.TryLookBack(back, out TurnRecord turn) && turn.StartNs + turn.RanNs > fromNs; back++)
        {
            if (back == MostTurns)
            {
                long untilNs = turn.StartNs + turn.RanNs;
                entry.UnknownNs += untilNs - fromNs - (closed?.ClosedNs(number, fromNs, untilNs) ?? 0);
                return;
            }

            long start = Math.Max(turn.StartNs, fromNs);
            long end = Math.Min(turn.StartNs + turn.RanNs, entry.WokenNs + entry.WaitedNs);
            long closedNs = closed?.ClosedNs(number, start, end) ?? 0;
            long ran = end - start - closedNs;
            bool ending = turn.StartNs < fromNs;
            Add(entry, new WaitPart(turn.Domain, turn.Vcpu, ending ? ran : 0, ending ? 0 : ran, ending || ran <= 0 ? 0 : 1, Math.Min(turn.StolenNs, ran), turn.Class, closedNs));
        }
    }

    private static void Add(Entry entry, in WaitPart more)
    {
        int i = 0;
        while (i < entry.Count && (entry.Parts[i].Domain != more.Domain || entry.Parts[i].Vcpu != more.Vcpu || entry.Parts[i].Class != more.Class))
        {
            i++;
        }

        if (i == Parts)
        {
            entry.UnknownNs += more.TurnEndNs + more.RanNs; // More vCPUs than there is room for.
            return;
        }

        WaitPart part = i < entry.Count ? entry.Parts[i] : new WaitPart(more.Domain, more.Vcpu, 0, 0, 0, 0, more.Class);
        entry.Parts[i] = part with
        {
            TurnEndNs = part.TurnEndNs + more.TurnEndNs,
            RanNs = part.RanNs + more.RanNs,
            Turns = part.Turns + more.Turns,
            StolenNs = part.StolenNs + more.StolenNs,
            ClosedNs = part.ClosedNs + more.ClosedNs,
        };
        entry.Count = Math.Max(entry.Count, i + 1);
    }

    private sealed class Entry
    {
        internal readonly WaitPart[] Parts = new WaitPart[WaitLog.Parts];
        internal string? Class;
        internal ScheduleEra? Era;
        internal long ClosedNs;
        internal long UnknownNs;
        internal long WokenNs;
        internal long WaitedNs;
        internal int Count;
    }
}
