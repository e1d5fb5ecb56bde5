using System.Buffers.Binary;
using System.Diagnostics;

namespace Bulkhead.Devices.Backends.Net;

/// <summary>Copies a card's frames, both ways, for one who looks on; the card does not wait for that one.</summary>
/// <remarks>
/// <para>A checksum that is yet to be completed is completed in the copy.</para>
/// <para><i>Threading</i>: frames are noted on the card's executor, and read on any one thread.</para>
/// <para><i>Source</i>: IETF draft-ietf-opsawg-pcap, PCAP Capture File Format; times are in nanoseconds.</para>
/// </remarks>
public sealed class FrameCapture
{
    /// <summary>The most bytes <see cref="Read"/> gives at once.</summary>
    public const int MostBytes = RecordBytes + INetBackend.MostFrameBytes;

    private const int QueueBytes = 4 << 20;
    private const int RecordBytes = 16;
    private const long SecondNs = 1_000_000_000;

    private volatile FrameRing? _ring;
    private long _epochNs;
    private long _missed;

    /// <summary>What stands before the first record.</summary>
    public static ReadOnlySpan<byte> FileHeader =>
    [
        0x4D, 0x3C, 0xB2, 0xA1, // magic number: nanoseconds
        2, 0, 4, 0, // version
        0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 4, 0, // no frame is cut
        1, 0, 0, 0, // Ethernet
    ];

    /// <summary>Frames that nobody read in time.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    /// <summary>Begins; false where another looks on already.</summary>
    /// <param name="epochNs">When Stopwatch was 0, since 1970.</param>
    public bool TryStart(long epochNs)
    {
        _epochNs = epochNs;
        return Interlocked.CompareExchange(ref _ring, new FrameRing(QueueBytes), null) is null;
    }

    /// <summary>Ends.</summary>
    public void Stop() => _ring = null;

    /// <summary>Takes the next record: how many bytes, 0 for none now.</summary>
    public int Read(Span<byte> to)
    {
        if (_ring is not { } ring || ring.Peek() is { IsEmpty: true })
        {
            return 0;
        }

        Span<byte> record = ring.Peek();
        record.CopyTo(to);
        ring.Drop();
        return record.Length;
    }

    /// <summary>A frame passes.</summary>
    internal void Note(in FrameHeader header, ReadOnlySpan<byte> frame)
    {
        if (_ring is { } ring)
        {
            NoteSlow(ring, header, frame);
        }
    }

    private void NoteSlow(FrameRing ring, in FrameHeader header, ReadOnlySpan<byte> frame)
    {
        if (!ring.TryReserve(RecordBytes + frame.Length, out int at, out Span<byte> record))
        {
            _ = Interlocked.Increment(ref _missed);
            return;
        }

        long ns = Stopwatch.GetTimestamp() + _epochNs;
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)(ns / SecondNs));
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], (uint)(ns % SecondNs));
        BinaryPrimitives.WriteInt32LittleEndian(record[8..], frame.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record[12..], frame.Length);
        frame.CopyTo(record[RecordBytes..]);
        _ = !header.NeedsChecksum || InternetChecksum.TryComplete(record[RecordBytes..], header.ChecksumStart, header.ChecksumOffset);
        ring.Commit(at, record.Length);
    }
}
