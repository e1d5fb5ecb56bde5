using System.Diagnostics;
using System.Text;
using Bulkhead.Devices.Display;
using Xunit;

namespace Bulkhead.Devices.Tests.Display;

public sealed class PngWriterTests
{
    private const string Decoder = "/usr/bin/pngtopnm";

    /// <summary>Debian's netpbm, which reads PNG by libpng, is the oracle.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(37, 11)]
    [InlineData(640, 480)]
    public void Image_OfAnyPixels_IsReadTheSame(int width, int height)
    {
        Assert.SkipUnless(File.Exists(Decoder), "there is no pngtopnm here (Debian: apt-get install netpbm)");
        byte[] pixels = new byte[width * height * 4];
        new Random(width).NextBytes(pixels);
        using var png = new MemoryStream();
        PngWriter.Write(png, new ScreenImage(width, height, pixels));

        byte[] header = Encoding.ASCII.GetBytes($"P6\n{width} {height}\n255\n");
        byte[] expected = [.. header, .. pixels.Chunk(4).SelectMany(static p => (byte[])[p[2], p[1], p[0]])];
        Assert.Equal(expected, Decode(png.ToArray()));
    }

    private static byte[] Decode(byte[] png)
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, png);
        using Process process = Process.Start(new ProcessStartInfo(Decoder, [path]) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException(Decoder);
        using var decoded = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(decoded);
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        File.Delete(path);
        Assert.True(process.ExitCode == 0 && errors.Length == 0, errors);
        return decoded.ToArray();
    }
}
