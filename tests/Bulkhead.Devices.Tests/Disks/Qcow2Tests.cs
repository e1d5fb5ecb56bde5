using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Devices.Backends.Disks.Qcow2;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

public sealed class Qcow2Tests
{
    private static readonly DiskOptions s_qcow2 = new() { Format = DiskFormat.Qcow2 };

    [Theory]
    [InlineData("compat=1.1", 1)]
    [InlineData("compat=0.10", 2)]
    [InlineData("cluster_size=512", 3)]
    [InlineData("cluster_size=4k,refcount_bits=1", 4)]
    [InlineData("cluster_size=1k,refcount_bits=64", 5)]
    [InlineData("cluster_size=2k,refcount_bits=8", 6)]
    [InlineData("cluster_size=8k,refcount_bits=2", 7)]
    [InlineData("cluster_size=16k,refcount_bits=4", 8)]
    [InlineData("cluster_size=2M", 9)]
    [InlineData("lazy_refcounts=on", 10)]
    [InlineData("preallocation=metadata", 11)]
    [InlineData("cluster_size=512,refcount_bits=32,preallocation=metadata", 12)]
    public void RandomRequests_ImageOfQemu_MatchTheModelAndItsCheck(string options, int seed)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk.qcow2"];
        const int size = (3 << 20) + 1536;
        QemuTools.Image("create", "-q", "-f", "qcow2", "-o", options, path, $"{size}");
        var model = new DiskModel(new byte[size], seed);

        for (int life = 0; life < 4; life++)
        {
            using (IDisk disk = DiskImages.Open(path, s_qcow2))
            {
                model.CompareAll(disk);
                model.Exercise(disk, 150);
                model.CompareAll(disk);
            }

            QemuTools.ExpectClean("qcow2", path);
        }

        File.WriteAllBytes(folder["model"], model.Bytes);
        QemuTools.Image("compare", "-q", "-f", "qcow2", "-F", "raw", path, folder["model"]);
    }

    [Theory]
    [InlineData("zlib", "1.1", 21)]
    [InlineData("zstd", "1.1", 22)]
    [InlineData("zlib", "0.10", 23)]
    public void RandomRequests_CompressedOverBacking_MatchTheModelAndItsCheck(string compression, string version, int seed)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[] bytes = Compressible(3 << 20, seed);
        File.WriteAllBytes(folder["base.raw"], bytes[..(2 << 20)]);
        File.WriteAllBytes(folder["model"], bytes);
        string kind = version == "1.1" ? $",compression_type={compression}" : string.Empty;
        QemuTools.Image("convert", "-q", "-c", "-f", "raw", "-O", "qcow2", "-o", $"compat={version}{kind}", folder["model"], folder["middle.qcow2"]);
        QemuTools.Image("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "middle.qcow2", "-o", $"cluster_size=32k,compat={version}", folder["top.qcow2"], $"{4 << 20}");
        var model = new DiskModel(bytes, seed);
        using (IDisk middle = DiskImages.Open(folder["middle.qcow2"], s_qcow2))
        {
            model.CompareAll(middle);
            model.Exercise(middle, 200);
            model.CompareAll(middle);
        }

        QemuTools.ExpectClean("qcow2", folder["middle.qcow2"]);
        model.Grow(4 << 20);
        for (int life = 0; life < 3; life++)
        {
            using (IDisk top = DiskImages.Open(folder["top.qcow2"], s_qcow2))
            {
                model.CompareAll(top);
                model.Exercise(top, 200);
                model.CompareAll(top);
            }

            QemuTools.ExpectClean("qcow2", folder["top.qcow2"]);
        }

        File.WriteAllBytes(folder["model"], model.Bytes);
        QemuTools.Image("compare", "-q", "-f", "qcow2", "-F", "raw", folder["top.qcow2"], folder["model"]);
    }

    [Fact]
    public void RandomRequests_PastThePageCache_MatchTheModel()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk.qcow2"];
        QemuTools.Image("create", "-q", "-f", "qcow2", "-o", "cluster_size=2k", path, "2M");
        var model = new DiskModel(new byte[2 << 20], 14);
        for (int life = 0; life < 2; life++)
        {
            using (IDisk disk = DiskImages.Open(path, s_qcow2 with { Cache = DiskCache.None }))
            {
                model.Exercise(disk, 150);
                model.CompareAll(disk);
            }

            QemuTools.ExpectClean("qcow2", path);
        }
    }

    [Fact]
    public void Snapshots_WrittenOver_StayAsTheyWere()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk.qcow2"];
        QemuTools.Image("create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", path, "2M");
        var model = new DiskModel(new byte[2 << 20], 31);
        var states = new List<byte[]>();
        for (int i = 0; i < 3; i++)
        {
            using (IDisk disk = DiskImages.Open(path, s_qcow2))
            {
                model.Exercise(disk, 100);
                model.CompareAll(disk);
            }

            QemuTools.ExpectClean("qcow2", path);
            states.Add([.. model.Bytes]);
            QemuTools.Image("snapshot", "-q", "-c", $"state{i}", path);
        }

        using (IDisk disk = DiskImages.Open(path, s_qcow2))
        {
            model.Exercise(disk, 200);
            model.CompareAll(disk);
        }

        QemuTools.ExpectClean("qcow2", path);
        for (int i = 0; i < states.Count; i++)
        {
            using IDisk old = DiskImages.Open(path, s_qcow2 with { Snapshot = $"state{i}" });
            Assert.True(old.ReadOnly);
            new DiskModel(states[i], i).CompareAll(old);
        }

        OperatorException e = Assert.Throws<OperatorException>(() => DiskImages.Open(path, s_qcow2 with { Snapshot = "state9" }));
        Assert.Contains("state0, state1, state2", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(65536, 64 << 10)]
    [InlineData(512, 2 << 20)]
    public void Growth_OfAllTables_KeepsTheImageClean(int clusterBytes, int step)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk.qcow2"];

        // With 64-bit counts of 512-byte clusters a table of counts of one cluster covers 2 MiB.
        QemuTools.Image("create", "-q", "-f", "qcow2", "-o", $"cluster_size={clusterBytes},refcount_bits=64", path, "1M");
        var model = new DiskModel(new byte[1 << 20], 41);
        using (var disk = (IResizableDisk)DiskImages.Open(path, s_qcow2))
        {
            for (int size = 1 << 20; size < 12 << 20; size += 3 << 20)
            {
                model.Grow(size);
                Assert.Equal(DiskResult.Ok, disk.Resize(size));
                for (int at = 0; at < size; at += step)
                {
                    model.Write(disk, at, Math.Min(step / 2, size - at));
                }

                model.CompareAll(disk);
                Assert.Equal(DiskResult.Ok, disk.Flush());
            }
        }

        QemuTools.ExpectClean("qcow2", path);
        File.WriteAllBytes(folder["model"], model.Bytes);
        QemuTools.Image("compare", "-q", "-f", "qcow2", "-F", "raw", path, folder["model"]);
    }

    [Fact]
    public void Overlay_WrittenTo_LeavesTheImageAsItWas()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk.qcow2"];
        byte[] bytes = Compressible(3 << 20, 51);
        File.WriteAllBytes(folder["model"], bytes);
        QemuTools.Image("convert", "-q", "-f", "raw", "-O", "qcow2", folder["model"], path);
        byte[] before = File.ReadAllBytes(path);
        var model = new DiskModel([.. bytes], 52);
        using (IDisk disk = DiskImages.Open(path, new DiskOptions { Overlay = true, OverlayFolder = folder.Root }))
        using (IDisk other = DiskImages.Open(path, new DiskOptions { Overlay = true, OverlayFolder = folder.Root }))
        {
            model.Exercise(disk, 400);
            model.CompareAll(disk);
            new DiskModel(bytes, 53).CompareAll(other);
        }

        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal(2, Directory.GetFiles(folder.Root).Length);
    }

    [Fact]
    public void DirtyImage_Opened_IsMended()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk.qcow2"];
        QemuTools.Image("create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=on", path, "8M");
        QemuTools.Io("qcow2", path, "write -P 7 0 1M", "write -P 8 3M 64k", "flush", "abort");
        Assert.Equal(2, QemuTools.Check("qcow2", path).Code);

        using (IDisk disk = DiskImages.Open(path, s_qcow2))
        {
            byte[] data = new byte[1 << 20];
            Assert.Equal(DiskResult.Ok, disk.Read(0, data));
            Assert.Equal(-1, data.AsSpan().IndexOfAnyExcept((byte)7));
        }

        QemuTools.ExpectClean("qcow2", path);
    }

    [Fact]
    public void Create_Image_IsCleanToQemu()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        foreach (long size in (long[])[0, 512, 1 << 20, 10L << 30, 5L << 40])
        {
            string path = folder[$"{size}.qcow2"];
            using (var file = new HostImageFile(BlockFile.Create(path)))
            {
                Assert.Equal(DiskResult.Ok, Qcow2Creator.Write(file, size, null, null, out _));
            }

            QemuTools.ExpectClean("qcow2", path);
            Assert.Contains($"\"virtual-size\": {size}", QemuTools.Image("info", "--output=json", path), StringComparison.Ordinal);
        }
    }

    internal static byte[] Compressible(int length, int seed)
    {
        var random = new Random(seed);
        byte[] bytes = new byte[length];
        for (int at = 0; at < length;)
        {
            int run = Math.Min(length - at, random.Next(1, 6000));
            switch (random.Next(4))
            {
                case 0:
                    random.NextBytes(bytes.AsSpan(at, run));
                    break;
                case 1:
                    bytes.AsSpan(at, run).Fill((byte)random.Next(256));
                    break;
                case 2:
                    for (int i = 0; i < run; i++)
                    {
                        bytes[at + i] = (byte)"the quick brown fox jumps over a lazy dog "[(i * i + at) % 42];
                    }

                    break;
                default:
                    // Zeros.
                    break;
            }

            at += run;
        }

        return bytes;
    }
}
