namespace Bulkhead.Cli.Systems;

/// <summary>The last bytes a guest printed, for any number of readers; the guest waits for none of them.</summary>
/// <remarks>
/// <para><i>Shape</i>: a ring. A position counts every byte ever written; a reader keeps its own, and one that is too slow
/// goes on at the oldest byte there still is.</para>
/// <para><i>Threading</i>: one writer (the serial port lets no two in), any readers, no lock: a reader copies, then looks whether the
/// writer came by meanwhile.</para>
/// </remarks>
internal sealed class ConsoleLog(int sizeBytes = ConsoleLog.DefaultBytes)
{
    private const int DefaultBytes = 256 << 10;

    private readonly byte[] _bytes = new byte[sizeBytes];
    private long _begun;
    private long _written;

    /// <summary>The position behind the newest byte.</summary>
    internal long End => Volatile.Read(ref _written);

    /// <summary>The position of the oldest byte.</summary>
    internal long Start => Math.Max(Volatile.Read(ref _begun) - sizeBytes, 0);

    /// <summary>Adds bytes.</summary>
    internal void Write(ReadOnlySpan<byte> data)
    {
        for (; data.Length > sizeBytes; data = data[sizeBytes..])
        {
            Write(data[..sizeBytes]);
        }

        long end = _written;

        // Readers must see that these bytes go before they go; a full fence, since stores to the array follow.
        _ = Interlocked.Exchange(ref _begun, end + data.Length);
        int at = (int)(end % sizeBytes);
        int first = Math.Min(data.Length, sizeBytes - at);
        data[..first].CopyTo(_bytes.AsSpan(at));
        data[first..].CopyTo(_bytes);
        Volatile.Write(ref _written, end + data.Length);
    }

    /// <summary>Copies what stands at <paramref name="position"/>, or at the oldest byte where that is gone, and moves the position on;
    /// 0 where nothing new is there.</summary>
    internal int Read(ref long position, Span<byte> destination)
    {
        while (true)
        {
            long from = Math.Max(position, Start);
            int count = (int)Math.Min(destination.Length, End - from);
            if (count <= 0)
            {
                return 0;
            }

            int at = (int)(from % sizeBytes);
            int first = Math.Min(count, sizeBytes - at);
            _bytes.AsSpan(at, first).CopyTo(destination);
            _bytes.AsSpan(0, count - first).CopyTo(destination[first..]);
            Interlocked.MemoryBarrier();
            if (Start <= from)
            {
                position = from + count;
                return count;
            }
        }
    }

    /// <summary>The position where the last <paramref name="lines"/> lines begin.</summary>
    internal long StartOfLast(int lines)
    {
        if (lines <= 0)
        {
            return End;
        }

        long position = Start;
        long end = End;
        byte[] bytes = new byte[end - position];
        int count = Read(ref position, bytes);
        position -= count;
        int at = count;
        for (int seen = 0; at > 0; at--)
        {
            // A last line without its end counts as well.
            if (bytes[at - 1] == '\n' && at < count && ++seen == lines)
            {
                break;
            }
        }

        return position + at;
    }
}
