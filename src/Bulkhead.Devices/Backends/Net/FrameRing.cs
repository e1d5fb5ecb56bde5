namespace Bulkhead.Devices.Backends.Net;

/// <summary>A bounded queue of blocks of bytes: any thread puts, one takes, and nobody waits for another's copying.</summary>
/// <remarks><i>Shape</i>: blocks begin at multiples of <see cref="Grain"/> and do not wrap around; each has a word that is its length once it is
/// complete, 0 before, and less than 0 where the rest up to the end is left out. <i>Cost</i>: no allocation.</remarks>
internal sealed class FrameRing
{
    private const int Grain = 64;

    private readonly byte[] _bytes;
    private readonly int[] _words;
    private readonly Lock _reserving = new();
    private long _head;
    private long _tail;

    /// <summary>A queue of a power of two bytes.</summary>
    internal FrameRing(int capacityBytes) => (_bytes, _words) = (new byte[capacityBytes], new int[capacityBytes / Grain]);

    /// <summary>Takes room for a block of at least one byte; false where there is none. It must be committed.</summary>
    internal bool TryReserve(int length, out int at, out Span<byte> room)
    {
        int size = Size(length);
        lock (_reserving)
        {
            at = Place(_tail);
            int left = _bytes.Length - at < size ? _bytes.Length - at : 0;
            if (_tail + left + size - Volatile.Read(ref _head) > _bytes.Length)
            {
                room = default;
                return false;
            }

            if (left > 0)
            {
                Volatile.Write(ref _words[at / Grain], -left);
                at = 0;
            }

            Volatile.Write(ref _words[at / Grain], 0);
            Volatile.Write(ref _tail, _tail + left + size);
        }

        room = _bytes.AsSpan(at, length);
        return true;
    }

    /// <summary>The block is complete.</summary>
    internal void Commit(int at, int length) => Volatile.Write(ref _words[at / Grain], length);

    /// <summary>The oldest block, or an empty span where there is none, or it is not complete yet. By the one that takes.</summary>
    internal Span<byte> Peek()
    {
        while (_head != Volatile.Read(ref _tail))
        {
            int at = Place(_head);
            int word = Volatile.Read(ref _words[at / Grain]);
            if (word >= 0)
            {
                return _bytes.AsSpan(at, word);
            }

            Volatile.Write(ref _head, _head - word);
        }

        return default;
    }

    /// <summary>The block peeked at is done with.</summary>
    internal void Drop() => Volatile.Write(ref _head, _head + Size(_words[Place(_head) / Grain]));

    private static int Size(int length) => (length + Grain - 1) & -Grain;

    private int Place(long position) => (int)(position & (_bytes.Length - 1));
}
