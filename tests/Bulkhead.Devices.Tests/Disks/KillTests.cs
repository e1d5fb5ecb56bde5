using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>A process that writes an image is killed at any moment: the image is consistent, and holds what a flush was answered for.</summary>
/// <remarks><c>BULKHEAD_KILLS</c> says how often each image's writer is killed (6), <c>BULKHEAD_KILL_SEED</c> where the seeds begin (1).</remarks>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int DiskBytes = 8 << 20;

    [Theory]
    [InlineData("plain", DiskFormat.Qcow2, "-o cluster_size=64k")]
    [InlineData("growing", DiskFormat.Qcow2, "-o cluster_size=512,refcount_bits=64")]
    [InlineData("layered", DiskFormat.Qcow2, "-o cluster_size=4k -F qcow2 -b base.qcow2")]
    [InlineData("sparse", DiskFormat.Vmdk, "-o subformat=monolithicSparse")]
    [InlineData("dynamic", DiskFormat.Vdi, "-o static=off")]
    public void Image_OfKilledWriter_IsConsistentAndKeepsWhatWasFlushed(string name, DiskFormat format, string options)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk." + name];
        string qemuFormat = DiskFormats.NameOf(format);
        File.WriteAllBytes(folder["base.raw"], Qcow2Tests.Compressible(DiskBytes, 61));
        QemuTools.Image("convert", "-q", "-c", "-f", "raw", "-O", "qcow2", folder["base.raw"], folder["base.qcow2"]);
        QemuTools.Image(["create", "-q", "-f", qemuFormat, .. options.Split(' '), path, $"{DiskBytes}"]);
        byte[] disk = ReadAll(path, format);
        int kills = int.Parse(Environment.GetEnvironmentVariable("BULKHEAD_KILLS") ?? "6", CultureInfo.InvariantCulture);
        int firstSeed = int.Parse(Environment.GetEnvironmentVariable("BULKHEAD_KILL_SEED") ?? "1", CultureInfo.InvariantCulture);
        int leaks = 0;
        for (int seed = firstSeed; seed < firstSeed + kills; seed++)
        {
            RunAndKill(path, format, seed);
            if (format == DiskFormat.Vdi)
            {
                // The count in its header may be behind; opening mends it.
                DiskImages.Open(path, new DiskOptions { Format = format }).Dispose();
            }

            (int code, string check) = QemuTools.Check(qemuFormat, path);
            Assert.True(code is 0 or 3, $"seed {seed}: qemu-img check says {code}\n{check}");
            leaks += code == 3 ? 1 : 0;
            byte[] after = ReadAll(path, format);
            for (int thread = 0; thread < KilledWriter.Threads; thread++)
            {
                Compare(disk, after, path, seed, thread);
            }

            disk = after;
            if (format == DiskFormat.Qcow2 && seed % 3 == 0)
            {
                QemuTools.Image("snapshot", "-q", "-c", $"s{seed}", path);
            }
        }

        // What killed writers had taken is found when the image is opened again.
        DiskImages.Open(path, new DiskOptions { Format = format }).Dispose();
        QemuTools.ExpectClean(qemuFormat, path);
        output.WriteLine($"{name}: {kills} kills, {leaks} images with leaked clusters");
    }

    private static byte[] ReadAll(string path, DiskFormat format)
    {
        using IDisk disk = DiskImages.Open(path, new DiskOptions { Format = format, ReadOnly = true });
        byte[] all = new byte[disk.SizeBytes];
        Assert.Equal(DiskResult.Ok, disk.Read(0, all));
        return all;
    }

    private static void RunAndKill(string path, DiskFormat format, int seed)
    {
        string first = path + ".log0";
        for (int thread = 0; thread < KilledWriter.Threads; thread++)
        {
            File.Delete($"{path}.log{thread}");
        }

        var start = new ProcessStartInfo(Environment.ProcessPath ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["BULKHEAD_KILL_CHILD"] = $"{path}|{format}|{seed}" },
        };
        string self = typeof(KillTests).Assembly.Location;
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(self);
        }

        foreach (string argument in (string[])["-explicit", "only", "-class", typeof(KilledWriter).FullName ?? string.Empty])
        {
            start.ArgumentList.Add(argument);
        }

        using Process child = Process.Start(start) ?? throw new InvalidOperationException(start.FileName);
        Task<string> said = child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> errors = child.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (!child.HasExited && (!File.Exists(first) || new FileInfo(first).Length == 0))
        {
            Thread.Yield();
        }

        // A moment between the first request and some thousands.
        long ends = Stopwatch.GetTimestamp() + (long)(Math.Pow(new Random(seed).NextDouble(), 2) * 0.4 * Stopwatch.Frequency);
        while (!child.HasExited && Stopwatch.GetTimestamp() < ends)
        {
            Thread.Yield();
        }

        bool early = child.HasExited;
        child.Kill();
        child.WaitForExit();
        Assert.False(early, $"the writer ended by itself: {said.GetAwaiter().GetResult()}{errors.GetAwaiter().GetResult()}");
    }

    // Each sector holds what it held at the last answered flush, or what a later request made of it.
    private static void Compare(byte[] before, byte[] after, string path, int seed, int thread)
    {
        byte[] log = File.Exists($"{path}.log{thread}") ? File.ReadAllBytes($"{path}.log{thread}") : [];
        int begun = 0;
        int flushed = 0;
        for (int at = 0; at + 4 <= log.Length; at += 4)
        {
            int entry = BinaryPrimitives.ReadInt32LittleEndian(log.AsSpan(at));
            begun = entry > 0 ? entry : begun;
            flushed = entry < 0 ? -entry : flushed;
        }

        int sectors = before.Length / 512 / KilledWriter.Threads;
        int first = thread * sectors;

        // For each sector what it may be: before (-1), zeros (0), or the number of a write.
        List<int>[] allowed = [.. Enumerable.Range(0, sectors).Select(static _ => new List<int> { -1 })];
        for (int number = 1; number <= begun; number++)
        {
            (int kind, int sector, int count) = KilledWriter.RequestOf(seed, thread, number, first, sectors);
            for (int i = sector - first; kind != 0 && i < sector - first + count; i++)
            {
                if (number <= flushed && kind != 3)
                {
                    allowed[i].Clear();
                }

                allowed[i].Add(kind == 1 ? number : 0);
            }
        }

        byte[] expected = new byte[512];
        for (int i = 0; i < sectors; i++)
        {
            ReadOnlySpan<byte> now = after.AsSpan((first + i) * 512, 512);
            bool good = false;
            foreach (int number in allowed[i])
            {
                if (number > 0)
                {
                    KilledWriter.Stamp(expected, thread, number, first + i);
                }

                good |= number switch
                {
                    -1 => now.SequenceEqual(before.AsSpan((first + i) * 512, 512)),
                    0 => !now.ContainsAnyExcept((byte)0),
                    _ => now.SequenceEqual(expected),
                };
            }

            Assert.True(good, $"seed {seed}, thread {thread}: sector {first + i} is none of {string.Join(", ", allowed[i])} (flushed {flushed}, begun {begun}), begins with {Convert.ToHexString(now[..16])}");
        }
    }
}
