using System.IO.Compression;

namespace Bulkhead.Devices.Backends.Disks.Compression;

/// <summary>Unpacks deflate, bare or with the header of zlib.</summary>
/// <remarks><i>Source</i>: RFC 1951; RFC 1950.</remarks>
internal sealed class DeflateDecoder(bool zlibHeader) : IClusterDecoder
{
    /// <inheritdoc/>
    public bool TryDecode(byte[] input, int inputBytes, Span<byte> output)
    {
        using var packed = new MemoryStream(input, 0, inputBytes, writable: false);
        using Stream plain = zlibHeader ? new ZLibStream(packed, CompressionMode.Decompress) : new DeflateStream(packed, CompressionMode.Decompress);
        try
        {
            return plain.ReadAtLeast(output, output.Length, throwOnEndOfStream: false) == output.Length;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
