using System.Collections.Concurrent;
using Bulkhead.Devices.Backends.Disks.Compression.Zstd;

namespace Bulkhead.Devices.Backends.Disks.Compression;

/// <summary>Unpacks Zstandard.</summary>
/// <remarks>In memory-safe code of our own, since an image is whatever somebody made it. <i>Source</i>: RFC 8878.</remarks>
internal sealed class ZstdDecoder : IClusterDecoder
{
    private readonly ConcurrentBag<ZstdFrame> _frames = [];

    /// <inheritdoc/>
    public bool TryDecode(byte[] input, int inputBytes, Span<byte> output)
    {
        ZstdFrame frame = _frames.TryTake(out ZstdFrame? kept) ? kept : new ZstdFrame();
        bool good = frame.TryDecode(input.AsSpan(0, inputBytes), output);
        _frames.Add(frame);
        return good;
    }
}
