namespace Bulkhead.Channels;

/// <summary>The reading side of a ring in shared memory.</summary>
/// <remarks><i>Threading</i>: one thread at a time.</remarks>
public sealed unsafe class RingReader
{
    private readonly RingMemory _ring;

    /// <summary>Begins with a ring of zeroed memory at a multiple of 64, which the caller keeps longer.</summary>
    public RingReader(byte* memory, int bytes) => _ring = new RingMemory(memory, bytes);

    /// <summary>Reads a message.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="length">How long it is, also where the buffer is too small.</param>
    /// <param name="urgency">What its writer says of its urgency.</param>
    public RingResult Read(Span<byte> buffer, out int length, out uint urgency)
    {
        (length, urgency) = (0, 0);
        if (!_ring.TryUsed(RingMemory.WriterPosition, other: true, out uint used))
        {
            return _ring.Break();
        }

        if (used == 0)
        {
            return RingResult.Empty;
        }

        uint said = _ring.Read32(_ring.Position);
        if (said > used - RingMemory.MessageBytes)
        {
            return _ring.Break();
        }

        length = (int)said;
        if (length > buffer.Length)
        {
            return RingResult.TooSmall;
        }

        urgency = _ring.Read32(_ring.Position + sizeof(uint));
        _ring.Read(_ring.Position + RingMemory.MessageBytes, buffer[..length]);
        _ring.Advance(RingMemory.ReaderPosition, (said + RingMemory.MessageBytes + 7) & ~7u);
        return RingResult.Ok;
    }

    /// <summary>Says that one is about to sleep until a doorbell; false: do not, there is something to read.</summary>
    public bool TrySleep() => _ring.TrySleep();
}
