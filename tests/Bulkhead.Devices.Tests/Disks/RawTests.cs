using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Devices.Backends.Disks.Raw;
using Bulkhead.Host;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

public sealed class RawTests
{
    private static readonly DiskOptions s_raw = new() { Format = DiskFormat.Raw };

    [Theory]
    [InlineData(DiskCache.WriteBack)]
    [InlineData(DiskCache.None)]
    public void RandomRequests_RawFile_MatchTheModel(DiskCache cache)
    {
        using var folder = new TempFolder();
        string path = folder["disk.raw"];
        byte[] bytes = new byte[(2 << 20) + 4096];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(path, bytes);
        var model = new DiskModel(bytes, 2);
        for (int life = 0; life < 3; life++)
        {
            using IDisk disk = DiskImages.Open(path, s_raw with { Cache = cache });
            model.CompareAll(disk);
            model.Exercise(disk, 300);
            model.CompareAll(disk);
        }

        Assert.Equal(model.Bytes, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData(-512, 512)]
    [InlineData(1 << 20, 512)]
    [InlineData((1 << 20) - 511, 512)]
    [InlineData(long.MaxValue - 100, 512)]
    [InlineData(long.MinValue, 1)]
    public void Requests_OutsideTheDisk_AreErrors(long offset, int length)
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["disk.raw"], new byte[1 << 20]);
        using IDisk disk = DiskImages.Open(folder["disk.raw"], s_raw);
        byte[] data = new byte[length];

        Assert.Equal(DiskResult.IoError, disk.Read(offset, data));
        Assert.Equal(DiskResult.IoError, disk.Write(offset, data));
        Assert.Equal(DiskResult.IoError, disk.Discard(offset, length));
        Assert.Equal(DiskResult.IoError, disk.WriteZeroes(offset, length, mayUnmap: true));
        Assert.Equal(DiskResult.IoError, disk.Discard(0, long.MaxValue));
        Assert.Equal(DiskResult.IoError, disk.WriteZeroes(512, -1, mayUnmap: false));
        Assert.Equal(1 << 20, new FileInfo(folder["disk.raw"]).Length);
    }

    [Fact]
    public void ReadOnlyDisk_Changes_AreRefused()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["disk.raw"], new byte[4096]);
        using IDisk disk = DiskImages.Open(folder["disk.raw"], s_raw with { ReadOnly = true });

        Assert.True(disk.ReadOnly);
        Assert.Equal(DiskResult.ReadOnly, disk.Write(0, new byte[512]));
        Assert.Equal(DiskResult.ReadOnly, disk.Discard(0, 512));
        Assert.Equal(DiskResult.ReadOnly, disk.WriteZeroes(0, 512, mayUnmap: false));
        Assert.Equal(DiskResult.Ok, disk.Flush());
    }

    [Fact]
    public void Open_ImageInUse_SaysSo()
    {
        using var folder = new TempFolder();
        string path = folder["disk.raw"];
        File.WriteAllBytes(path, new byte[4096]);
        using (DiskImages.Open(path, s_raw))
        {
            Assert.Contains("in use", Assert.Throws<OperatorException>(() => DiskImages.Open(path, s_raw)).Message, StringComparison.Ordinal);
            Assert.Contains("in use", Assert.Throws<OperatorException>(() => DiskImages.Open(path, s_raw with { ReadOnly = true })).Message, StringComparison.Ordinal);
        }

        using IDisk first = DiskImages.Open(path, s_raw with { ReadOnly = true });
        using IDisk second = DiskImages.Open(path, s_raw with { ReadOnly = true });
        _ = Assert.Throws<OperatorException>(() => DiskImages.Open(path, s_raw));
    }

    [Fact]
    public void Open_ImageQemuWouldUse_IsRefusedByQemuToo()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk.qcow2"];
        QemuTools.Image("create", "-q", "-f", "qcow2", path, "1M");
        using (DiskImages.Open(path, new DiskOptions { Format = DiskFormat.Qcow2 }))
        {
            Assert.Contains("lock", QemuTools.Check("qcow2", path).Output, StringComparison.Ordinal);
        }

        QemuTools.ExpectClean("qcow2", path);
    }

    [Fact]
    public void Write_ProbedRawThatWouldLookLikeAnImage_IsRefused()
    {
        using var folder = new TempFolder();
        string path = folder["disk.img"];
        File.WriteAllBytes(path, new byte[4096]);
        byte[] sector = new byte[1024];
        "QFI"u8.CopyTo(sector);
        sector[3] = 0xfb;
        using (IDisk disk = DiskImages.Open(path, new DiskOptions()))
        {
            Assert.Equal(DiskResult.IoError, disk.Write(0, sector));
            Assert.Equal(DiskResult.Ok, disk.Write(0, sector.AsSpan(0, 2)));
            Assert.Equal(DiskResult.IoError, disk.Write(2, sector.AsSpan(2, 2)));
            Assert.Equal(DiskResult.Ok, disk.Write(512, sector.AsSpan(0, 512)));
        }

        using IDisk stated = DiskImages.Open(path, s_raw);
        Assert.Equal(DiskResult.Ok, stated.Write(0, sector));
    }

    [Fact]
    public void Write_ProbedRawThatBecomesAnImageMeanwhile_WritesWhatWasLookedAt()
    {
        byte[] header = new byte[1024];
        "QFI"u8.CopyTo(header);
        header[3] = 0xfb;
        byte[] sector = new byte[1024];
        using var file = new ChangedFile(new VolatileFile(new byte[4096]), () => header.CopyTo(sector, 0));
        using var disk = new ProbedRawDisk(RawDisk.Open(file));

        Assert.Equal(DiskResult.Ok, disk.Write(0, sector));

        byte[] now = new byte[512];
        Assert.Equal(DiskResult.Ok, disk.Read(0, now));
        Assert.Equal(new byte[512], now);
    }

    [Theory]
    [InlineData("nowhere.raw", "there is no such file")]
    [InlineData("", "neither a file nor a block device")]
    public void Open_Nothing_NamesTheFix(string name, string expected)
    {
        using var folder = new TempFolder();
        OperatorException e = Assert.Throws<OperatorException>(() => DiskImages.Open(folder[name], new DiskOptions { ReadOnly = true }));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }
}
