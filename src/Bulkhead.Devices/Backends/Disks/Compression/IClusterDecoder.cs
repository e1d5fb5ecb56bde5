namespace Bulkhead.Devices.Backends.Disks.Compression;

/// <summary>Unpacks a piece of a compressed image.</summary>
/// <remarks>The input is whatever an image holds; nothing but the answer depends on it. <i>Threading</i>: any thread, several at once.</remarks>
internal interface IClusterDecoder
{
    /// <summary>Fills <paramref name="output"/>; false where the input is malformed or ends before. Input behind the end is not looked at.</summary>
    bool TryDecode(byte[] input, int inputBytes, Span<byte> output);
}
