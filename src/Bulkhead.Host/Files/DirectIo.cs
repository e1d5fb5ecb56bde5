using System.Collections.Concurrent;
using Bulkhead.Host.Memory;

namespace Bulkhead.Host.Files;

/// <summary>Transfers past the page cache: in whole units, from memory that is aligned.</summary>
/// <remarks>
/// What is aligned goes as it is, the rest through a buffer. A write of less than a unit reads the unit first, and no other
/// write may come between: those that need no reading share the lock, one that does has it alone.
/// </remarks>
internal sealed unsafe class DirectIo : IDisposable
{
    private const int BufferBytes = 256 << 10;

    private readonly ConcurrentBag<PrivateMemory> _buffers = [];
    private readonly ReaderWriterLockSlim _units = new();

    internal DirectIo(int alignmentBytes) => AlignmentBytes = alignmentBytes;

    internal int AlignmentBytes { get; }

    public void Dispose()
    {
        _units.Dispose();
        while (_buffers.TryTake(out PrivateMemory? buffer))
        {
            buffer.Dispose();
        }
    }

    internal int Read(BlockFile file, long offset, ScatteredBytes data, out int count)
    {
        if (IsAligned(offset, data))
        {
            return file.ReadPlain(offset, data, out count);
        }

        count = 0;
        PrivateMemory memory = Rent();
        try
        {
            // SAFETY: the buffer has this length (BlockFileTests).
            var buffer = new Span<byte>(memory.Pointer, BufferBytes);
            while (count < data.Length)
            {
                long start = (offset + count) & -AlignmentBytes;
                int skip = (int)(offset + count - start);
                int wanted = Math.Min(BufferBytes, RoundUp(skip + data.Length - count));
                int error = file.ReadPlain(start, buffer[..wanted], out int read);
                if (error != Errno.None)
                {
                    return error;
                }

                int usable = Math.Min(read - skip, data.Length - count);
                if (usable <= 0)
                {
                    break;
                }

                data[count..].CopyFrom(buffer.Slice(skip, usable));
                count += usable;
                if (read < wanted)
                {
                    break;
                }
            }

            return Errno.None;
        }
        finally
        {
            _buffers.Add(memory);
        }
    }

    internal int Write(BlockFile file, long offset, ReadOnlyScatteredBytes data)
    {
        bool whole = ((offset | (long)data.Length) & (AlignmentBytes - 1)) == 0;
        if (whole)
        {
            _units.EnterReadLock();
        }
        else
        {
            _units.EnterWriteLock();
        }

        try
        {
            return IsAligned(offset, data) ? file.WritePlain(offset, data) : WriteThroughBuffer(file, offset, data);
        }
        finally
        {
            if (whole)
            {
                _units.ExitReadLock();
            }
            else
            {
                _units.ExitWriteLock();
            }
        }
    }

    private int WriteThroughBuffer(BlockFile file, long offset, ReadOnlyScatteredBytes data)
    {
        PrivateMemory memory = Rent();
        try
        {
            // SAFETY: as in Read.
            var buffer = new Span<byte>(memory.Pointer, BufferBytes);
            int error = Errno.None;
            int count = 0;
            while (count < data.Length && error == Errno.None)
            {
                long start = (offset + count) & -AlignmentBytes;
                int skip = (int)(offset + count - start);
                int part = Math.Min(BufferBytes - skip, data.Length - count);
                int length = RoundUp(skip + part);
                if (skip != 0 || length != skip + part)
                {
                    error = ReadEnds(file, start, buffer[..length]);
                }

                data.Slice(count, part).CopyTo(buffer[skip..]);
                error = error == Errno.None ? file.WritePlain(start, buffer[..length]) : error;
                count += part;
            }

            return error;
        }
        finally
        {
            _buffers.Add(memory);
        }
    }

    // What the first and the last unit hold; zeros past the end of the file.
    private int ReadEnds(BlockFile file, long start, Span<byte> buffer)
    {
        Span<byte> first = buffer[..AlignmentBytes];
        first.Clear();
        int error = file.ReadPlain(start, first, out _);
        if (error == Errno.None && buffer.Length > AlignmentBytes)
        {
            Span<byte> last = buffer[^AlignmentBytes..];
            last.Clear();
            error = file.ReadPlain(start + buffer.Length - AlignmentBytes, last, out _);
        }

        return error;
    }

    private PrivateMemory Rent() => _buffers.TryTake(out PrivateMemory? buffer) ? buffer : new PrivateMemory(BufferBytes);

    private int RoundUp(int length) => (length + AlignmentBytes - 1) & -AlignmentBytes;

    // What may move is not: it could be aligned now and not when it is transferred.
    private bool IsAligned(long offset, ReadOnlyScatteredBytes data) => (offset & (AlignmentBytes - 1)) == 0 && data.IsAligned(AlignmentBytes);
}
