using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Virtio.Queues;

/// <summary>A buffer the driver made available: bytes the device reads, then bytes it writes. Filled again and again.</summary>
/// <remarks>
/// <para>Its addresses are checked and kept; what stands there may change at any time, so whatever is decided upon is copied first. Where
/// there is no RAM any more, what is written is lost and what is read means nothing.</para>
/// <para><i>Threading</i>: the device's executor.</para>
/// </remarks>
internal sealed class DescriptorChain(GuestMemory memory)
{
    /// <summary>The most descriptors of a chain.</summary>
    internal const int MostSegments = 1024;

    private Segment[] _segments = new Segment[16];
    private MemoryRange[] _ranges = new MemoryRange[16];
    private int _count;
    private int _firstWritable;
    private int _cursorFirst;
    private int _cursor;
    private ulong _cursorAt;

    /// <summary>By what the driver knows it.</summary>
    internal ushort Id { get; set; }

    /// <summary>How many places of the ring it takes; with a packed ring.</summary>
    internal int Places { get; set; }

    /// <summary>Bytes the device may read.</summary>
    internal ulong ReadableBytes { get; private set; }

    /// <summary>Bytes the device may write.</summary>
    internal ulong WritableBytes { get; private set; }

    /// <summary>How many pieces it has.</summary>
    internal int Count => _count;

    /// <summary>How many of them the device may write.</summary>
    internal int WritableCount => _count - _firstWritable;

    /// <summary>Where a piece to write is.</summary>
    internal (Gpa Address, uint Length) Writable(int index) => (_segments[_firstWritable + index].Address, _segments[_firstWritable + index].Length);

    internal void Clear()
    {
        (_count, _firstWritable, _cursorFirst, _cursor, _cursorAt) = (0, 0, 0, 0, 0);
        (ReadableBytes, WritableBytes) = (0, 0);
    }

    /// <summary>Appends a piece; null, or what is wrong with it.</summary>
    internal string? Append(ulong address, uint length, bool writable)
    {
        if (_count == MostSegments)
        {
            return "a chain of too many descriptors";
        }

        if (!writable && _count != _firstWritable)
        {
            return "a descriptor to read behind one to write";
        }

        if (length > int.MaxValue || (length != 0 && !memory.Contains(new Gpa(address), length)))
        {
            return "a buffer that is not in RAM";
        }

        if (_count == _segments.Length)
        {
            Array.Resize(ref _segments, 2 * _count); // seldom, and for good
        }

        _segments[_count++] = new Segment(new Gpa(address), length);
        if (writable)
        {
            WritableBytes += length;
        }
        else
        {
            ReadableBytes += length;
            _firstWritable = _count;
        }

        return null;
    }

    /// <summary>Copies from what the device may read; false where there is not so much.</summary>
    internal bool TryRead(ulong at, Span<byte> destination)
    {
        if (at > ReadableBytes || (ulong)destination.Length > ReadableBytes - at)
        {
            return false;
        }

        while (destination.Length > 0)
        {
            Span<byte> piece = ReadablePiece(at, destination.Length);
            piece.CopyTo(destination);
            at += (ulong)piece.Length;
            destination = destination[piece.Length..];
        }

        return true;
    }

    /// <summary>Copies to where the device may write; false where there is not so much room.</summary>
    internal bool TryWrite(ulong at, ReadOnlySpan<byte> source)
    {
        if (at > WritableBytes || (ulong)source.Length > WritableBytes - at)
        {
            return false;
        }

        while (source.Length > 0)
        {
            Span<byte> piece = WritablePiece(at, source.Length);
            source[..piece.Length].CopyTo(piece);
            NoteWritten(at, piece.Length);
            at += (ulong)piece.Length;
            source = source[piece.Length..];
        }

        return true;
    }

    /// <summary>The bytes to read from an offset on: as many as stand together, at most <paramref name="most"/>. Not behind the end.</summary>
    internal Span<byte> ReadablePiece(ulong at, int most) => Piece(0, at, most);

    /// <summary>The bytes to write from an offset on; then <see cref="NoteWritten"/>.</summary>
    internal Span<byte> WritablePiece(ulong at, int most) => Piece(_firstWritable, at, most);

    /// <summary>Bytes to read from an offset on, wherever they stand, until the next call. Not behind the end.</summary>
    internal ReadOnlyScatteredBytes GatherReadable(ulong at, int length) => new(Gather(0, at, length));

    /// <summary>Bytes to write from an offset on, until the next call; then <see cref="NoteWritten"/>.</summary>
    internal ScatteredBytes GatherWritable(ulong at, int length) => new(Gather(_firstWritable, at, length));

    /// <summary>Bytes to write were written.</summary>
    internal void NoteWritten(ulong at, int length)
    {
        for (ulong left = (ulong)length; left > 0;)
        {
            Gpa address = Find(_firstWritable, at, out ulong part);
            part = Math.Min(part, left);
            memory.NotifyWritten(address, part);
            (at, left) = (at + part, left - part);
        }
    }

    private ReadOnlySpan<MemoryRange> Gather(int first, ulong at, int bytes)
    {
        int count = 0;
        for (int left = bytes; left > 0; count++)
        {
            Gpa address = Find(first, at, out ulong part);
            if (count == _ranges.Length)
            {
                Array.Resize(ref _ranges, 2 * count); // seldom, and for good
            }

            _ranges[count] = memory.RangeOrNowhere(address, (int)Math.Min(part, (ulong)left));
            int length = _ranges[count].Length;
            (at, left) = (at + (ulong)length, left - length);
        }

        return _ranges.AsSpan(0, count);
    }

    private Span<byte> Piece(int first, ulong at, int most)
    {
        Gpa address = Find(first, at, out ulong left);
        return memory.SpanOrNowhere(address, (int)Math.Min(left, (ulong)most));
    }

    private Gpa Find(int first, ulong at, out ulong left)
    {
        // Mostly the same piece as last time, or the next.
        if (_cursorFirst != first || at < _cursorAt)
        {
            (_cursorFirst, _cursor, _cursorAt) = (first, first, 0);
        }

        while (at - _cursorAt >= _segments[_cursor].Length)
        {
            _cursorAt += _segments[_cursor++].Length;
        }

        ulong into = at - _cursorAt;
        left = _segments[_cursor].Length - into;
        return _segments[_cursor].Address + into;
    }

    private readonly record struct Segment(Gpa Address, uint Length);
}
