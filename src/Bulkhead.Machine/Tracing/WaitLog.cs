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

    private Entry[] _now = NewEntries();
    private Entry[] _before = NewEntries();
    private long _endNs;
    private long _leastNs;

    /// <summary>Notes a wait that ended just now, if it is among the longest.</summary>
    internal void Note(long wokenNs, long waitedNs, FlightRecorder recorder, string? ownClass = null)
    {
        if (wokenNs >= _endNs)
        {
            (_now, _before) = (_before, _now);
            Array.ForEach(_now, static e => e.WaitedNs = 0);
            (_endNs, _leastNs) = (wokenNs + WindowNs, 0);
        }

        if (waitedNs > _leastNs)
        {
            KeepSlow(wokenNs, waitedNs, recorder, ownClass);
        }
    }

    /// <summary>The longest waits, the longest first.</summary>
    internal IEnumerable<WaitRecord> Worst(int vcpu) =>
        _now.Concat(_before).Where(static e => e.WaitedNs > 0).OrderByDescending(static e => e.WaitedNs).Take(Kept)
            .Select(e => new WaitRecord(vcpu, e.WokenNs, e.WaitedNs, e.Class, [.. e.Parts.AsSpan(0, e.Count)]));

    private static Entry[] NewEntries() => [.. Enumerable.Range(0, Kept).Select(static _ => new Entry())];

    private void KeepSlow(long wokenNs, long waitedNs, FlightRecorder recorder, string? ownClass)
    {
        Entry entry = _now[0];
        foreach (Entry other in _now)
        {
            entry = other.WaitedNs < entry.WaitedNs ? other : entry;
        }

        (entry.WokenNs, entry.WaitedNs, entry.Class, entry.Count) = (wokenNs, waitedNs, ownClass, 0);
        for (int back = 0; back < MostTurns && recorder.TryLookBack(back, out TurnRecord turn) && turn.StartNs + turn.RanNs > wokenNs; back++)
        {
            Add(entry, turn);
        }

        entry.Parts.AsSpan(0, entry.Count).Reverse();
        _leastNs = long.MaxValue;
        foreach (Entry other in _now)
        {
            _leastNs = Math.Min(_leastNs, other.WaitedNs);
        }
    }

    private static void Add(Entry entry, in TurnRecord turn)
    {
        long overlap = Math.Min(turn.StartNs + turn.RanNs, entry.WokenNs + entry.WaitedNs) - Math.Max(turn.StartNs, entry.WokenNs);
        long stolen = Math.Min(turn.StolenNs, overlap);
        bool ending = turn.StartNs < entry.WokenNs;
        int i = 0;
        while (i < entry.Count && (entry.Parts[i].Domain != turn.Domain || entry.Parts[i].Vcpu != turn.Vcpu || entry.Parts[i].Class != turn.Class))
        {
            i++;
        }

        if (i == Parts)
        {
            return; // More vCPUs than there is room for: what they ran shows as time nobody did.
        }

        WaitPart part = i < entry.Count ? entry.Parts[i] : new WaitPart(turn.Domain, turn.Vcpu, 0, 0, 0, 0, turn.Class);
        entry.Parts[i] = part with
        {
            TurnEndNs = part.TurnEndNs + (ending ? overlap : 0),
            RanNs = part.RanNs + (ending ? 0 : overlap),
            Turns = part.Turns + (ending ? 0 : 1),
            StolenNs = part.StolenNs + stolen,
        };
        entry.Count = Math.Max(entry.Count, i + 1);
    }

    private sealed class Entry
    {
        internal readonly WaitPart[] Parts = new WaitPart[WaitLog.Parts];
        internal string? Class;
        internal long WokenNs;
        internal long WaitedNs;
        internal int Count;
    }
}
