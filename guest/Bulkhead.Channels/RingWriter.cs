using System.Buffers.Binary;

namespace Bulkhead.Channels;

/// <summary>The writing side of a ring in shared memory.</summary>
/// <remarks><i>Threading</i>: one thread at a time.</remarks>
public sealed unsafe class RingWriter
{
    private readonly RingMemory _ring;

    /// <summary>Begins with a ring of zeroed memory at a multiple of 64, which the caller keeps longer.</summary>
    public RingWriter(byte* memory, int bytes) => _ring = new RingMemory(memory, bytes);

    /// <summary>The longest message.</summary>
    public int MostBytes => (int)_ring.Size - RingMemory.MessageBytes;

    /// <summary>Writes a message.</summary>
    public RingResult Write(ReadOnlySpan<byte> message, uint urgency = 0)
    {
        if (!_ring.TryUsed(RingMemory.ReaderPosition, other: false, out uint used))
        {
            return _ring.Break();
        }

        if (message.Length > MostBytes)
        {
            return RingResult.TooSmall;
        }

        uint needed = ((uint)message.Length + RingMemory.MessageBytes + 7) & ~7u;
        if (needed > _ring.Size - used)
        {
            return RingResult.Empty;
        }

        Span<byte> head = stackalloc byte[RingMemory.MessageBytes];
        BinaryPrimitives.WriteInt32LittleEndian(head, message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[sizeof(uint)..], urgency);
        _ring.Write(_ring.Position, head);
        _ring.Write(_ring.Position + RingMemory.MessageBytes, message);
        _ring.Advance(RingMemory.WriterPosition, needed);
        return _ring.TakeSleep() ? RingResult.OkReaderSleeps : RingResult.Ok;
    }
}
