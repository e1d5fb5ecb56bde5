using System.ComponentModel;
using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using Xunit;

namespace Bulkhead.Channels.Tests;

/// <summary>The C header and the C# library, over one file.</summary>
public sealed unsafe class HeaderTests
{
    private const int RingBytes = 1 << 14;

    [Fact]
    public void Messages_ToAProgramInCAndBack_AreWhole()
    {
        string folder = Directory.CreateTempSubdirectory("bulkhead-ring").FullName;
        try
        {
            string root = FindRoot();
            string program = Path.Combine(folder, "echo");
            string file = Path.Combine(folder, "rings");
            try
            {
                using Process compiler = Process.Start("gcc", ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-I", Path.Combine(root, "guest/include"), "-o", program, Path.Combine(root, "tests/Bulkhead.Channels.Tests/ring_echo.c")]);
                compiler.WaitForExit();
                Assert.Equal(0, compiler.ExitCode);
            }
            catch (Win32Exception)
            {
                Assert.Skip("there is no gcc here");
            }

            File.WriteAllBytes(file, new byte[2 * RingBytes]);
            using Process echo = Process.Start(program, [file, $"{RingBytes}"]);
            using var map = MemoryMappedFile.CreateFromFile(file);
            using MemoryMappedViewAccessor view = map.CreateViewAccessor();
            byte* memory = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref memory);
            Talk(new RingWriter(memory, RingBytes), new RingReader(memory + RingBytes, RingBytes), echo);
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Talk(RingWriter writer, RingReader reader, Process echo)
    {
        var random = new Random(1);
        byte[] buffer = new byte[RingBytes];
        int sent = 0;
        int received = 0;
        const int count = 20_000;
        int[] lengths = [.. Enumerable.Range(0, count).Select(i => i == count - 1 ? 0 : random.Next(1, i % 50 == 0 ? writer.MostBytes : 200))];
        while (received < count && !echo.HasExited)
        {
            if (sent < count)
            {
                byte[] message = new byte[lengths[sent]];
                message.AsSpan().Fill((byte)sent);
                sent += writer.Write(message, (uint)sent) is RingResult.Ok or RingResult.OkReaderSleeps ? 1 : 0;
            }

            Receive();
        }

        echo.WaitForExit();
        while (received < count && Receive())
        {
        }

        Assert.Equal((0, count), (echo.ExitCode, received));

        bool Receive()
        {
            if (reader.Read(buffer, out int length, out uint urgency) != RingResult.Ok)
            {
                return false;
            }

            Assert.Equal((lengths[received], (uint)received + 1), (length, urgency));
            Assert.False(buffer.AsSpan(0, length).ContainsAnyExcept((byte)~received));
            received++;
            return true;
        }
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "layers.txt"))) // the tests run inside the working tree
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }
}
