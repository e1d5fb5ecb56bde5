using System.IO.Compression;
using Bulkhead.Host;

namespace Bulkhead.Machine.Boot;

/// <summary>A kernel file that is packed as a whole with gzip, as boot loaders unpack it.</summary>
/// <remarks><i>Source</i>: RFC 1952.</remarks>
internal static class PackedKernel
{
    private const int MostBytes = 1 << 30;

    /// <summary>Whether it is one.</summary>
    internal static bool Is(ReadOnlySpan<byte> image) => image.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 8]);

    /// <summary>What is in it.</summary>
    internal static byte[] Unpack(ReadOnlySpan<byte> image, string name)
    {
        using var packed = new MemoryStream(image.ToArray());
        using var gzip = new GZipStream(packed, CompressionMode.Decompress);
        using var unpacked = new MemoryStream();
        byte[] piece = new byte[1 << 16];
        try
        {
            for (int n; (n = gzip.Read(piece)) > 0;)
            {
                if (unpacked.Length + n > MostBytes)
                {
                    throw KernelImage.Refuse(name, $"gzip data that unpack to more than {MostBytes >> 20} MiB");
                }

                unpacked.Write(piece.AsSpan(0, n));
            }
        }
        catch (InvalidDataException e)
        {
            throw KernelImage.Refuse(name, $"gzip data that are broken ({e.Message.TrimEnd('.')})");
        }

        return unpacked.ToArray();
    }
}
