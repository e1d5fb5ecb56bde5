using System.Diagnostics;
using System.Text;
using Bulkhead.Images.Cpio;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class CpioWriterTests
{
    [Fact]
    public void AddFile_NameAndContent_AreAlignedAndCounted()
    {
        byte[] archive = Write(c => c.AddFile("init", "hello"u8, 0x1ed));

        string header = Encoding.ASCII.GetString(archive, 0, 110);
        Assert.Equal("070701" + "00000001" + "000081ed" + "00000000" + "00000000" + "00000001" + "00000000" + "00000005"
            + "00000000" + "00000000" + "00000000" + "00000000" + "00000005" + "00000000", header);
        Assert.Equal("init\0", Encoding.ASCII.GetString(archive, 110, 5));
        Assert.Equal("hello\0\0\0070701", Encoding.ASCII.GetString(archive, 116, 14));
    }

    [Fact]
    public void AddCharacterDevice_Console_HasItsNumber()
    {
        byte[] archive = Write(c => c.AddCharacterDevice("dev/console", 5, 1, 0x180));

        Assert.Equal("00002180", Encoding.ASCII.GetString(archive, 14, 8));
        Assert.Equal("0000000500000001", Encoding.ASCII.GetString(archive, 78, 16));
    }

    [Fact]
    public void Finish_AnyArchive_EndsWithTheTrailerOnABlock()
    {
        byte[] archive = Write(c => c.AddDirectory("bin"));

        Assert.Equal(0, archive.Length % 512);
        Assert.Contains("TRAILER!!!", Encoding.ASCII.GetString(archive), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_TwiceTheSame_GivesTheSameBytes()
    {
        static void Fill(CpioWriter c)
        {
            c.AddDirectory("bin");
            c.AddFile("bin/a", "1"u8, 0x1ed);
            c.AddSymbolicLink("bin/b", "a");
        }

        Assert.Equal(Write(Fill), Write(Fill));
    }

    [Fact]
    public void Write_ReadByCpio_ListsTheNames()
    {
        string? cpio = ((string[])["/usr/bin/cpio", "/bin/cpio"]).FirstOrDefault(File.Exists);
        if (cpio is null)
        {
            Assert.Skip("the host has no cpio");
        }

        byte[] archive = Write(c =>
        {
            c.AddDirectory("bin");
            c.AddFile("bin/busybox", new byte[4097], 0x1ed);
            c.AddSymbolicLink("bin/sh", "busybox");
        });
        using Process process = Process.Start(new ProcessStartInfo(cpio, "-t --quiet") { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("cpio did not start");
        process.StandardInput.BaseStream.Write(archive);
        process.StandardInput.Close();

        Assert.Equal("bin\nbin/busybox\nbin/sh\n", process.StandardOutput.ReadToEnd());
    }

    private static byte[] Write(Action<CpioWriter> fill)
    {
        using var stream = new MemoryStream();
        var writer = new CpioWriter(stream);
        fill(writer);
        writer.Finish();
        return stream.ToArray();
    }
}
