using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Qcow2;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>The host loses power at any moment, and with it any of what was not synced.</summary>
public sealed class PowerLossTests
{
    private const int DiskBytes = 1 << 20;

    [Theory]
    [InlineData("cluster_size=512,refcount_bits=64", 1)]
    [InlineData("cluster_size=4k,refcount_bits=16", 2)]
    [InlineData("cluster_size=64k,refcount_bits=1", 3)]
    public void Image_AfterLossOfPower_IsConsistentAndKeepsWhatWasFlushed(string options, int firstSeed)
    {
        using var folder = new TempFolder();
        byte[] image = NewImage(options);
        byte[] disk = new byte[DiskBytes];
        for (int life = 0; life < 40; life++)
        {
            int seed = (firstSeed * 1000) + life;
            var random = new Random(seed);
            var file = new VolatileFile(image);
            Qcow2Disk opened = Open(file);
            var before = new byte[DiskBytes];
            Assert.Equal(DiskResult.Ok, opened.Read(0, before));
            Assert.True(before.AsSpan().SequenceEqual(disk), $"seed {seed}: another read of the same image differs");
            file.StepsLeft = random.Next(1, 400);
            List<int>[] allowed = [.. Enumerable.Range(0, DiskBytes / 512).Select(static _ => new List<int> { -1 })];
            try
            {
                for (int number = 1; ; number++)
                {
                    Request(opened, seed, number, allowed);
                }
            }
            catch (PowerLostException)
            {
                file.StepsLeft = int.MaxValue;
            }

            image = file.Crash(random);
            using (Qcow2Disk again = Open(new VolatileFile([.. image]), readOnly: true))
            {
                Assert.Equal(DiskResult.Ok, again.Read(0, disk));
            }

            Compare(before, disk, allowed, seed);
            var left = new VolatileFile(image);
            CheckReport report = new Qcow2Checker(left, Qcow2Header.Read(left)).Check();
            Assert.True(report.ErrorCount == 0, $"seed {seed}: {string.Join("; ", report.Errors)}");
            if (life % 10 == 0)
            {
                File.WriteAllBytes(folder["left"], image);
                Assert.Contains(QemuTools.Check("qcow2", folder["left"]).Code, (int[])[0, 3]);
            }
        }
    }

    [Fact]
    public void HostWithoutSpace_Requests_FailAndLoseNothing()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        QemuTools.Image("create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", folder["disk"], $"{DiskBytes}");
        var file = new VolatileFile(File.ReadAllBytes(folder["disk"]));
        Qcow2Disk disk = Open(file);
        var model = new DiskModel(new byte[DiskBytes], 5);
        model.Exercise(disk, 100);
        Assert.Equal(DiskResult.Ok, disk.Flush());

        file.Fails = true;
        Assert.NotEqual(DiskResult.Ok, disk.Write(8192, new byte[64 << 10]));
        Assert.NotEqual(DiskResult.Ok, disk.Flush());
        file.Fails = false;

        new Random(6).NextBytes(model.Bytes.AsSpan(8192, 64 << 10));
        Assert.Equal(DiskResult.Ok, disk.Write(8192, model.Bytes.AsSpan(8192, 64 << 10)));
        model.Exercise(disk, 100);
        model.CompareAll(disk);
        disk.Dispose();
        File.WriteAllBytes(folder["disk"], file.Crash(new Random(1)));
        QemuTools.ExpectClean("qcow2", folder["disk"]);
    }

    [Theory]
    [InlineData("cluster_size=512,refcount_bits=64", 1)]
    [InlineData("cluster_size=4k,refcount_bits=16", 2)]
    [InlineData("cluster_size=64k,refcount_bits=1", 3)]
    [InlineData("cluster_size=4k,compat=0.10", 4)]
    public void HostThatFillsUp_Requests_LeakNothing(string options, int firstSeed)
    {
        byte[] image = NewImage(options);
        for (int life = 0; life < 40; life++)
        {
            int seed = (firstSeed * 1000) + life;
            var random = new Random(seed);
            var file = new VolatileFile([.. image]) { MostBytes = image.Length + random.Next(DiskBytes) };
            using (Qcow2Disk disk = Open(file))
            {
                for (int number = 0; number < 60; number++)
                {
                    int offset = random.Next(DiskBytes / 512) * 512;
                    _ = disk.Write(offset, new byte[Math.Min(DiskBytes - offset, random.Next(1, 200) * 512)]);
                    _ = random.Next(8) switch
                    {
                        0 => disk.Flush(),
                        1 => disk.Discard(offset, Math.Min(DiskBytes - offset, 64 << 10)),
                        _ => DiskResult.Ok,
                    };
                }
            }

            ExpectClean(file, $"seed {seed}"); // though it stayed full to the end
        }
    }

    /// <summary>A request that takes clusters, wherever the file ended before: new blocks of counts may count each other.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WriteOfTheHost_Fails_LeaksNothing(int writes)
    {
        const int CountsOfABlock = 64, Cluster = 512;
        byte[] image = NewImage($"cluster_size={Cluster},refcount_bits={Cluster * 8 / CountsOfABlock}");
        for (int before = 0; before < CountsOfABlock; before++)
        {
            var file = new VolatileFile([.. image]);
            using (Qcow2Disk disk = Open(file))
            {
                Assert.Equal(DiskResult.Ok, disk.Write(0, new byte[before * Cluster]));
                file.WritesUntilFailure = writes;

                _ = disk.Write(CountsOfABlock * Cluster, new byte[2 * CountsOfABlock * Cluster]);
            }

            ExpectClean(file, $"{before} clusters, then {writes} writes");
        }
    }

    private static byte[] NewImage(string options)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        QemuTools.Image("create", "-q", "-f", "qcow2", "-o", options, folder["disk"], $"{DiskBytes}");
        return File.ReadAllBytes(folder["disk"]);
    }

    private static void ExpectClean(VolatileFile file, string what)
    {
        CheckReport report = new Qcow2Checker(file, Qcow2Header.Read(file)).Check();
        Assert.True(report.ErrorCount == 0 && report.LeakedClusters == 0, $"{what}: {report.LeakedClusters} leaks; {string.Join("; ", report.Errors)}");
    }

    private static Qcow2Disk Open(VolatileFile file, bool readOnly = false) =>
        Qcow2Disk.Open(readOnly ? new ReadOnlyFile(file) : file, Qcow2Header.Read(file), backing: null);

    private static void Request(Qcow2Disk disk, int seed, int number, List<int>[] allowed)
    {
        (int kind, int sector, int count) = KilledWriter.RequestOf(seed, 0, number, 0, DiskBytes / 512);
        byte[] data = new byte[count * 512];
        for (int i = 0; i < count && kind != 0; i++)
        {
            KilledWriter.Stamp(data.AsSpan(i * 512), seed, number, sector + i);
            allowed[sector + i].Add(kind == 1 ? number : 0);
        }

        DiskResult result = kind switch
        {
            0 => disk.Flush(),
            1 => disk.Write(sector * 512L, data),
            2 => disk.WriteZeroes(sector * 512L, data.Length, mayUnmap: (number & 1) != 0),
            _ => disk.Discard(sector * 512L, data.Length),
        };
        Assert.Equal(DiskResult.Ok, result);
        if (kind == 0)
        {
            byte[] now = new byte[DiskBytes];
            Assert.Equal(DiskResult.Ok, disk.Read(0, now));
            byte[] expected = new byte[512];
            for (int i = 0; i < allowed.Length; i++)
            {
                // What it reads as at this moment is what it keeps.
                allowed[i].RemoveAll(n => n > 0 && !Holds(now.AsSpan(i * 512, 512), n, seed, i, expected));
                allowed[i].RemoveAll(n => n == 0 && now.AsSpan(i * 512, 512).ContainsAnyExcept((byte)0));
                if (allowed[i].Exists(static n => n >= 0))
                {
                    allowed[i].RemoveAll(static n => n < 0);
                }
            }
        }
    }

    private static void Compare(byte[] before, byte[] after, List<int>[] allowed, int seed)
    {
        byte[] expected = new byte[512];
        for (int i = 0; i < allowed.Length; i++)
        {
            Span<byte> now = after.AsSpan(i * 512, 512);
            bool good = false;
            foreach (int number in allowed[i])
            {
                good |= number switch
                {
                    -1 => now.SequenceEqual(before.AsSpan(i * 512, 512)),
                    0 => !now.ContainsAnyExcept((byte)0),
                    _ => Holds(now, number, seed, i, expected),
                };
            }

            Assert.True(good, $"seed {seed}: sector {i} is none of {string.Join(", ", allowed[i])}, begins with {Convert.ToHexString(now[..16])}");
        }
    }

    private static bool Holds(ReadOnlySpan<byte> sector, int number, int seed, int at, byte[] expected)
    {
        KilledWriter.Stamp(expected, seed, number, at);
        return sector.SequenceEqual(expected);
    }
}
