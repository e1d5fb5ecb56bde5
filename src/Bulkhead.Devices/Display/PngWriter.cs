using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Bulkhead.Devices.Display;

/// <summary>Writes what a display shows as a PNG file.</summary>
/// <remarks><i>Source</i>: W3C Portable Network Graphics Specification, Third Edition, 5 Datastream structure, 9 Filtering, 11.2 Critical
/// chunks, Annex D Sample CRC implementation.</remarks>
public static class PngWriter
{
    private const byte BitsPerSample = 8;
    private const byte Truecolor = 2;
    private const int SampleBytes = 3;
    private const uint Polynomial = 0xEDB8_8320;

    private static readonly uint[] s_crc = Table();

    /// <summary>Writes the image, which is not dark.</summary>
    public static void Write(Stream output, ScreenImage image)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(image);
        output.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        Span<byte> header = stackalloc byte[13];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        (header[8], header[9]) = (BitsPerSample, Truecolor);
        Chunk(output, "IHDR", header);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            WriteLines(zlib, image);
        }

        Chunk(output, "IDAT", packed.GetBuffer().AsSpan(0, (int)packed.Length));
        Chunk(output, "IEND", []);
    }

    // Each line behind the number of its filter; 0 is none.
    private static void WriteLines(Stream output, ScreenImage image)
    {
        byte[] line = new byte[1 + (image.Width * SampleBytes)];
        ReadOnlySpan<byte> pixels = image.Pixels.Span;
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                ReadOnlySpan<byte> pixel = pixels.Slice(((y * image.Width) + x) * ScreenMode.PixelBytes, SampleBytes);
                int at = 1 + (x * SampleBytes);
                (line[at], line[at + 1], line[at + 2]) = (pixel[2], pixel[1], pixel[0]);
            }

            output.Write(line);
        }
    }

    private static void Chunk(Stream output, string type, ReadOnlySpan<byte> data)
    {
        Span<byte> word = stackalloc byte[sizeof(uint)];
        Span<byte> name = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteInt32BigEndian(word, data.Length);
        output.Write(word);
        _ = Encoding.ASCII.GetBytes(type, name);
        output.Write(name);
        output.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(word, ~Crc(Crc(uint.MaxValue, name), data));
        output.Write(word);
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            crc = s_crc[(byte)(crc ^ b)] ^ (crc >> 8);
        }

        return crc;
    }

    private static uint[] Table()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint c = i;
            for (int bit = 0; bit < 8; bit++)
            {
                c = (c & 1) != 0 ? Polynomial ^ (c >> 1) : c >> 1;
            }

            table[i] = c;
        }

        return table;
    }
}
