namespace Bulkhead.Machine.Tracing;

/// <summary>The last turns on one pCPU; always on.</summary>
/// <remarks><i>Threading</i>: the worker adds; any thread reads, without a lock: it copies a record, then looks whether the writer came by
/// meanwhile. <i>Cost</i>: some stores a turn; nothing is allocated.</remarks>
internal sealed class FlightRecorder(int cpu, int sizePowerOf2 = FlightRecorder.DefaultSize)
{
    // At some thousand turns a second, the last seconds.
    private const int DefaultSize = 1 << 14;

    private readonly TurnRecord[] _records = new TurnRecord[sizePowerOf2];
    private long _begun;
    private long _written;

    /// <summary>The host CPU.</summary>
    internal int Cpu => cpu;

    /// <summary>The position behind the newest record.</summary>
    internal long End => Volatile.Read(ref _written);

    /// <summary>The position of the oldest record.</summary>
    internal long Start => Math.Max(Volatile.Read(ref _begun) - sizePowerOf2, 0);

    /// <summary>Worker: adds a turn.</summary>
    internal void Add(in TurnRecord record)
    {
        long at = _written;
        _ = Interlocked.Exchange(ref _begun, at + 1);
        _records[at & (sizePowerOf2 - 1)] = record;
        Volatile.Write(ref _written, at + 1);
    }

    /// <summary>Takes the record at a position, or the oldest where that is gone; false where nothing new is there.</summary>
    internal bool TryRead(ref long position, out TurnRecord record)
    {
        while (true)
        {
            long at = Math.Max(position, Start);
            if (at >= End)
            {
                record = default;
                return false;
            }

            record = _records[at & (sizePowerOf2 - 1)];
            Interlocked.MemoryBarrier();
            if (Start <= at)
            {
                position = at + 1;
                return true;
            }
        }
    }

    /// <summary>Worker: the record so many turns ago, 0 for the newest; false where it is no longer there.</summary>
    internal bool TryLookBack(int turns, out TurnRecord record)
    {
        long at = _written - 1 - turns;
        bool there = at >= 0 && turns < sizePowerOf2;
        record = there ? _records[at & (sizePowerOf2 - 1)] : default;
        return there;
    }
}
