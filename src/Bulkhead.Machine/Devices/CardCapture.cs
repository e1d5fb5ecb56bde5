using System.Diagnostics;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Host;

namespace Bulkhead.Machine.Devices;

/// <summary>Looks on at a network card until it is disposed.</summary>
/// <remarks><i>Threading</i>: one at a time.</remarks>
public sealed class CardCapture : IDisposable
{
    private const long TicksToNs = 100;

    private readonly FrameCapture _capture;
    private bool _begun;

    private CardCapture(FrameCapture capture) => _capture = capture;

    /// <summary>The most bytes of one <see cref="Read"/>.</summary>
    public static int MostBytes => FrameCapture.MostBytes;

    /// <summary>Frames that were not read in time.</summary>
    public long Missed => _capture.Missed;

    /// <summary>Begins.</summary>
    internal static CardCapture Start(FrameCapture capture, string card)
    {
        long epochNs = ((DateTime.UtcNow - DateTime.UnixEpoch).Ticks * TicksToNs) - Stopwatch.GetTimestamp();
        return capture.TryStart(epochNs) ? new CardCapture(capture) : throw new OperatorException($"{card} is captured already; wait until that has ended.");
    }

    /// <summary>Takes what comes next of a pcap file: how many bytes, 0 for none now.</summary>
    public int Read(Span<byte> to)
    {
        if (_begun)
        {
            return _capture.Read(to);
        }

        _begun = true;
        FrameCapture.FileHeader.CopyTo(to);
        return FrameCapture.FileHeader.Length;
    }

    /// <inheritdoc/>
    public void Dispose() => _capture.Stop();
}
