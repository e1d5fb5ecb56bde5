using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Devices.Backends.Disks.Qcow2;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>Requests of several threads at once, each on sectors of its own that share clusters with the others'.</summary>
public sealed class ConcurrentTests
{
    private const int Threads = 4;
    private const int DiskBytes = 2 << 20;

    [Theory]
    [InlineData("qcow2", "-o cluster_size=64k", "")]
    [InlineData("qcow2", "-o cluster_size=4k", "layered")]
    [InlineData("qcow2", "-o cluster_size=64k", "packed")]
    [InlineData("vmdk", "-o subformat=monolithicSparse", "")]
    [InlineData("vdi", "-o static=off", "")]
    public void Threads_OnSharedClusters_KeepTheirSectors(string format, string options, string kind)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[] bytes = kind.Length > 0 ? Qcow2Tests.Compressible(DiskBytes, 81) : new byte[DiskBytes];
        string[] backing = [];
        if (kind.Length > 0)
        {
            File.WriteAllBytes(folder["raw"], bytes);
            QemuTools.Image("convert", "-q", "-c", "-f", "raw", "-O", "qcow2", folder["raw"], folder["base"]);
            backing = ["-F", "qcow2", "-b", "base"];
        }

        QemuTools.Image(kind == "packed"
            ? ["convert", "-q", "-c", "-f", "raw", "-O", format, .. options.Split(' '), folder["raw"], folder["disk"]]
            : ["create", "-q", "-f", format, .. options.Split(' '), .. backing, folder["disk"], $"{DiskBytes}"]);
        using (IDisk disk = DiskImages.Open(folder["disk"], new DiskOptions()))
        {
            var wrong = new List<string>();
            Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() => Run(disk, bytes, t, wrong)))];
            foreach (Thread thread in threads)
            {
                thread.Start();
            }

            foreach (Thread thread in threads)
            {
                thread.Join();
            }

            Assert.Empty(wrong);
            new DiskModel(bytes, 1).CompareAll(disk);
        }

        QemuTools.ExpectClean(format, folder["disk"]);
        File.WriteAllBytes(folder["raw"], bytes);
        QemuTools.Image("compare", "-q", "-f", format, "-F", "raw", folder["disk"], folder["raw"]);
    }

    [Fact]
    public void Read_OfAClusterThatIsGivenUpMeanwhile_SeesWhatItHeld()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[] bytes = Qcow2Tests.Compressible(1 << 20, 82);
        File.WriteAllBytes(folder["raw"], bytes);
        QemuTools.Image("convert", "-q", "-c", "-f", "raw", "-O", "qcow2", folder["raw"], folder["disk"]);
        QemuTools.Image("resize", "-q", "-f", "qcow2", folder["disk"], "4M");
        var file = new PausedFile(new VolatileFile(File.ReadAllBytes(folder["disk"])));
        using Qcow2Disk disk = Qcow2Disk.Open(file, Qcow2Header.Read(file), backing: null);

        // The mapping is in memory then, so that the next read is that of the cluster.
        byte[] data = new byte[64 << 10];
        Assert.Equal(DiskResult.Ok, disk.Read(512 << 10, data));
        file.PauseNextRead();
        DiskResult result = DiskResult.IoError;
        var reader = new Thread(() => result = disk.Read(0, data));
        reader.Start();
        file.Reached.Wait(TestContext.Current.CancellationToken);
        byte[] other = [.. Enumerable.Repeat((byte)0xee, 1 << 20)];
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(DiskResult.Ok, disk.Write((long)i << 20, other));
            Assert.Equal(DiskResult.Ok, disk.Flush());
        }

        file.Go.Set();
        reader.Join();

        Assert.Equal(DiskResult.Ok, result);
        Assert.True(data.AsSpan().SequenceEqual(bytes.AsSpan(0, data.Length)));
    }

    // Every fourth sector is a thread's own, so that each cluster is everybody's.
    private static void Run(IDisk disk, byte[] model, int thread, List<string> wrong)
    {
        var random = new Random(thread + 100);
        byte[] data = new byte[512];
        for (int i = 0; i < 3000; i++)
        {
            int sector = (random.Next(DiskBytes / 512 / Threads) * Threads) + thread;
            Span<byte> expected = model.AsSpan(sector * 512, 512);
            DiskResult result;
            switch (random.Next(20))
            {
                case < 9:
                    random.NextBytes(data);
                    data.CopyTo(expected);
                    result = disk.Write(sector * 512L, data);
                    break;
                case < 18:
                    result = disk.Read(sector * 512L, data);
                    if (!data.AsSpan().SequenceEqual(expected))
                    {
                        lock (wrong)
                        {
                            wrong.Add($"thread {thread}, request {i}, sector {sector}");
                        }
                    }

                    break;
                case 18:
                    expected.Clear();
                    result = disk.WriteZeroes(sector * 512L, 512, mayUnmap: true);
                    break;
                default:
                    result = disk.Flush();
                    break;
            }

            if (result != DiskResult.Ok)
            {
                lock (wrong)
                {
                    wrong.Add($"thread {thread}, request {i}: {result}");
                }
            }
        }
    }
}
