using System.Runtime.CompilerServices;

namespace Bulkhead.Channels;

/// <summary>A ring's bytes: the layout that <c>bulkhead_ring.h</c> describes, and the one side's own position in it.</summary>
/// <remarks>Whatever is read of the other side's may change at any time: it is copied once, checked, and the copy used.
/// <i>Threading</i>: one thread at a time.</remarks>
internal sealed unsafe class RingMemory
{
    internal const int HeaderBytes = 192;
    internal const int MessageBytes = 8;
    internal const int WriterPosition = 0;
    internal const int ReaderPosition = 64;
    private const int ReaderSleeps = 128;

    private readonly byte* _memory;
    private bool _broken;

    /// <summary>Takes a ring of <paramref name="bytes"/> bytes of zeroed memory, which the caller keeps longer.</summary>
    internal RingMemory(byte* memory, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, HeaderBytes + MessageBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual((nuint)memory % 64, 0u, nameof(memory));
        _memory = memory;
        Size = (uint)1 << (31 - int.LeadingZeroCount(bytes - HeaderBytes));
    }

    /// <summary>Bytes of data.</summary>
    internal uint Size { get; }

    /// <summary>One's own position.</summary>
    internal uint Position { get; private set; }

    /// <summary>How many bytes are in use between one's own position and the other side's; false where that makes no sense.</summary>
    internal bool TryUsed(int otherPosition, bool other, out uint used)
    {
        uint theirs = Volatile.Read(ref Word(otherPosition));
        used = other ? theirs - Position : Position - theirs;
        return !_broken && used <= Size && used % MessageBytes == 0;
    }

    internal RingResult Break()
    {
        _broken = true;
        return RingResult.Broken;
    }

    /// <summary>Moves one's own position, after which the other side may touch what was passed.</summary>
    internal void Advance(int ownPosition, uint bytes)
    {
        Position += bytes;
        Volatile.Write(ref Word(ownPosition), Position);
    }

    internal void Write(uint at, ReadOnlySpan<byte> bytes)
    {
        Span<byte> first = Piece(at, (uint)bytes.Length);
        bytes[..first.Length].CopyTo(first);
        bytes[first.Length..].CopyTo(Piece(0, (uint)(bytes.Length - first.Length)));
    }

    internal void Read(uint at, Span<byte> bytes)
    {
        Span<byte> first = Piece(at, (uint)bytes.Length);
        first.CopyTo(bytes);
        Piece(0, (uint)(bytes.Length - first.Length)).CopyTo(bytes[first.Length..]);
    }

    internal uint Read32(uint at)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        Read(at, bytes);
        return BitConverter.ToUInt32(bytes);
    }

    /// <summary>Whether the reader wanted a doorbell; it does not any more.</summary>
    internal bool TakeSleep() => Interlocked.Exchange(ref Word(ReaderSleeps), 0) != 0;

    /// <summary>The reader wants a doorbell; false, and it does not: there is something already, or the ring is broken.</summary>
    internal bool TrySleep()
    {
        _ = Interlocked.Exchange(ref Word(ReaderSleeps), 1);
        bool sleeps = !_broken && Volatile.Read(ref Word(WriterPosition)) == Position;
        if (!sleeps)
        {
            Volatile.Write(ref Word(ReaderSleeps), 0);
        }

        return sleeps;
    }

    // SAFETY: the header lies in the memory the constructor was given, and is aligned (RingTests).
    private ref uint Word(int offset) => ref Unsafe.AsRef<uint>(_memory + offset);

    // SAFETY: at is taken modulo the size, and the length ends with the data (RingTests).
    private Span<byte> Piece(uint at, uint length)
    {
        at &= Size - 1;
        return new Span<byte>(_memory + HeaderBytes + at, (int)Math.Min(length, Size - at));
    }
}
