using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>Requests of several threads at once, each on sectors of its own that share clusters with the others'.</summary>
public sealed class ConcurrentTests
{
    private const int Threads = 4;
    private const int DiskBytes = 2 << 20;

    [Theory]
    [InlineData("qcow2", "-o cluster_size=64k", false)]
    [InlineData("qcow2", "-o cluster_size=4k", true)]
    [InlineData("vmdk", "-o subformat=monolithicSparse", false)]
    [InlineData("vdi", "-o static=off", false)]
    public void Threads_OnSharedClusters_KeepTheirSectors(string format, string options, bool layered)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[] bytes = layered ? Qcow2Tests.Compressible(DiskBytes, 81) : new byte[DiskBytes];
        string[] backing = [];
        if (layered)
        {
            File.WriteAllBytes(folder["raw"], bytes);
            QemuTools.Image("convert", "-q", "-c", "-f", "raw", "-O", "qcow2", folder["raw"], folder["base"]);
            backing = ["-F", "qcow2", "-b", "base"];
        }

        QemuTools.Image(["create", "-q", "-f", format, .. options.Split(' '), .. backing, folder["disk"], $"{DiskBytes}"]);
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
