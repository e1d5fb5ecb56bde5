using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Host;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>Images whose headers and tables anybody may have written.</summary>
/// <remarks><c>BULKHEAD_IMAGE_FUZZ_SECONDS</c> says how long each format is tried (3), <c>BULKHEAD_IMAGE_FUZZ_SEED</c> where seeds begin (1).</remarks>
public sealed class HostileImageTests(ITestOutputHelper output)
{
    private const int MostBytes = 64 << 20;

    [Theory]
    [InlineData("qcow2", "-o cluster_size=4k,lazy_refcounts=on")]
    [InlineData("qcow2", "-o cluster_size=64k,compression_type=zstd -c")]
    [InlineData("qcow2", "-o compat=0.10 -c")]
    [InlineData("vmdk", "-o subformat=monolithicSparse")]
    [InlineData("vmdk", "-o subformat=streamOptimized")]
    [InlineData("vdi", "-o static=off")]
    public void MutatedImage_Used_IsRefusedOrAnswers(string format, string options)
    {
        QemuTools.Need();
        using var folder = new TempFolder(inMemory: true);
        File.WriteAllBytes(folder["raw"], Qcow2Tests.Compressible(1 << 20, 71));
        QemuTools.Image(["convert", "-q", "-f", "raw", "-O", format, .. options.Split(' '), folder["raw"], folder["good"]]);
        if (format == "qcow2" && options.Contains("4k", StringComparison.Ordinal))
        {
            QemuTools.Image("snapshot", "-q", "-c", "state", folder["good"]);
        }

        byte[] good = File.ReadAllBytes(folder["good"]);
        int seconds = int.Parse(Environment.GetEnvironmentVariable("BULKHEAD_IMAGE_FUZZ_SECONDS") ?? "3", CultureInfo.InvariantCulture);
        int seed = int.Parse(Environment.GetEnvironmentVariable("BULKHEAD_IMAGE_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);
        long end = Stopwatch.GetTimestamp() + (seconds * Stopwatch.Frequency);
        int refused = 0;
        int tried = 0;
        for (; Stopwatch.GetTimestamp() < end; seed++, tried++)
        {
            File.WriteAllBytes(folder["bad"], Mutate(good, new Random(seed)));
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Use(folder["bad"], format, new Random(seed));
            }
            catch (OperatorException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }

            // Nothing an image says makes us take more than its tables may.
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - allocated < 256 << 20, $"seed {seed} took {(GC.GetAllocatedBytesForCurrentThread() - allocated) >> 20} MiB");
            Assert.True(new FileInfo(folder["bad"]).Length < MostBytes, $"seed {seed} made the image {new FileInfo(folder["bad"]).Length >> 20} MiB long");
        }

        output.WriteLine($"{format} {options}: {tried} images, {refused} refused");
        Assert.InRange(refused, 1, tried - 1);
    }

    [Theory]
    [InlineData(4, 4, "of qcow2 version 4")]
    [InlineData(20, 30, "clusters are of 2^30 bytes")]
    [InlineData(32, 1, "it is encrypted")]
    [InlineData(36, 0x7fffffff, "larger than 32 MiB")]
    [InlineData(36, 0, "too small for the size")]
    [InlineData(56, 0x7fffffff, "empty or larger than 8 MiB")]
    [InlineData(60, 0x7fffffff, "snapshots")]
    [InlineData(76, 0x10, "it has subclusters")]
    [InlineData(76, 0x04, "its data stands in another file")]
    [InlineData(72, 0x80, "features that are not known: bit 63")]
    [InlineData(76, 0x02, "marked as corrupt")]
    [InlineData(96, 7, "2^7 bits")]
    [InlineData(100, 50, "header's length is wrong")]
    public void Header_WithOneFieldWrong_IsNamed(int at, int value, string expected)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        QemuTools.Image("create", "-q", "-f", "qcow2", folder["disk"], "1M");
        byte[] bytes = File.ReadAllBytes(folder["disk"]);
        if (at == 72)
        {
            bytes[72] = (byte)value;
        }
        else
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(at), value);
        }

        File.WriteAllBytes(folder["disk"], bytes);

        OperatorException e = Assert.Throws<OperatorException>(() => DiskImages.Open(folder["disk"], new DiskOptions()));

        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.StartsWith(folder["disk"], e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x10000)]
    [InlineData(0x20000)]
    [InlineData(0x30000)]
    [InlineData(0x40000)]
    public void Mapping_ThatNamesATable_IsNotWrittenThrough(int table)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        QemuTools.Image("create", "-q", "-f", "qcow2", folder["disk"], "1M");
        QemuTools.Io("qcow2", folder["disk"], "write -P 1 0 64k");
        byte[] bytes = File.ReadAllBytes(folder["disk"]);

        // The mapping table stands in cluster 4; its first entry is the disk's first cluster.
        Assert.Equal(0x8000000000050000, BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(0x40000)));
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(0x40000), 0x8000000000000000 | (uint)table);
        File.WriteAllBytes(folder["disk"], bytes);
        using (IDisk disk = DiskImages.Open(folder["disk"], new DiskOptions()))
        {
            Assert.Equal(DiskResult.IoError, disk.Write(0, new byte[4096]));
        }

        Assert.Equal(bytes, File.ReadAllBytes(folder["disk"]));
    }

    [Fact]
    public void File_LongerThanItsCountsCover_IsWrittenWithoutSearchingIt()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        QemuTools.Image("create", "-q", "-f", "qcow2", "-o", "cluster_size=512,refcount_bits=64", folder["disk"], "1M");
        using (FileStream file = File.OpenWrite(folder["disk"]))
        {
            file.SetLength(8L << 40);
        }

        using IDisk disk = DiskImages.Open(folder["disk"], new DiskOptions());
        for (int i = 0; i < 1000; i++)
        {
            // Free clusters that are counted are used; then there is no space, since the end is behind what counts can cover.
            Assert.Contains(disk.Write(i * 512, new byte[512]), (DiskResult[])[DiskResult.Ok, DiskResult.NoSpace]);
        }

        Assert.Equal(DiskResult.NoSpace, disk.Write(999 * 512, new byte[512]));
    }

    [Fact]
    public void Overlay_OfADiskTooLarge_IsNamed()
    {
        using var folder = new TempFolder();
        using (FileStream file = File.Create(folder["disk"]))
        {
            byte[] head = new byte[512];
            "<<<"u8.CopyTo(head);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(64), 0xbeda107f);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(68), 0x10001);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(76), 1);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(340), 512);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(344), 1 << 30);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(360), 512);
            BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(368), 3L << 50);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(376), 1 << 26);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(384), 3 << 24);
            file.Write(head);
            file.SetLength(1 << 30);
        }

        OperatorException e = Assert.Throws<OperatorException>(() => DiskImages.Open(folder["disk"], new DiskOptions { Overlay = true, OverlayFolder = folder.Root }));

        Assert.Contains("too large for a temporary image", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BackingChain_Loop_IsNamed()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        QemuTools.Image("create", "-q", "-f", "qcow2", folder["a"], "1M");
        QemuTools.Image("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", folder["a"], folder["b"]);
        QemuTools.Image("rebase", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "b", folder["a"]);

        Assert.Contains("laid over itself", Assert.Throws<OperatorException>(() => DiskImages.Open(folder["b"], new DiskOptions())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("json:{}", "raw", "not the path of a file")]
    [InlineData("nbd://host/disk", "raw", "not the path of a file")]
    [InlineData("nowhere.raw", "raw", "there is no such file")]
    [InlineData("good", "", "names no format for it")]
    [InlineData("good", "qed", "a format that is not known, qed")]
    public void BackingFile_ThatCannotBe_IsNamed(string backing, string format, string expected)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["good"], new byte[1 << 20]);
        var header = new Backends.Disks.Qcow2.Qcow2Header { SizeBytes = 1 << 20, L1Entries = 1, L1Offset = 3 << 16, CountTableOffset = 1 << 16, CountTableClusters = 1, BackingFile = backing, BackingFormat = format };
        byte[] image = new byte[4 << 16];
        header.Write(image);
        if (format.Length == 0)
        {
            // No extension: the list ends where it begins.
            image.AsSpan(112, 4).Clear();
        }

        File.WriteAllBytes(folder["disk"], image);

        OperatorException e = Assert.Throws<OperatorException>(() => DiskImages.Open(folder["disk"], new DiskOptions { ReadOnly = true }));

        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    // The first 512 bytes and whatever looks like a table are where mutations matter most.
    private static byte[] Mutate(byte[] good, Random random)
    {
        byte[] bad = [.. good];
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            int at = random.Next(3) switch
            {
                0 => random.Next(Math.Min(bad.Length, 512)),
                1 => Math.Min(bad.Length - 8, (random.Next(bad.Length / 4096) * 4096) + (random.Next(64) * 4)),
                _ => random.Next(bad.Length),
            };
            int count = Math.Min(bad.Length - at, random.Next(1, 9));
            switch (random.Next(4))
            {
                case 0:
                    random.NextBytes(bad.AsSpan(at, count));
                    break;
                case 1:
                    bad[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bad.AsSpan(at, count).Fill((byte)(random.Next(2) == 0 ? 0 : 0xff));
                    break;
                default:
                    // Some other piece of the image: offsets that are well formed and wrong.
                    good.AsSpan(random.Next(good.Length - count), count).CopyTo(bad.AsSpan(at));
                    break;
            }
        }

        return random.Next(10) == 0 ? bad[..random.Next(bad.Length)] : bad;
    }

    private static void Use(string path, string format, Random random)
    {
        Assert.True(DiskFormats.TryParse(format, out DiskFormat known));
        bool readOnly = random.Next(3) == 0;
        if (format == "qcow2" && random.Next(3) == 0)
        {
            _ = DiskWork.Describe(path, known);
            _ = DiskWork.Check(path, repair: random.Next(2) == 0);
        }

        using IDisk disk = DiskImages.Open(path, new DiskOptions { Format = known, ReadOnly = readOnly, Overlay = readOnly && random.Next(2) == 0, OverlayFolder = Path.GetDirectoryName(path) });
        byte[] data = new byte[256 << 10];
        for (int i = 0; i < 12; i++)
        {
            // Of all sizes a header may claim, and near its end.
            int length = (int)Math.Min(random.Next(1, 512) * 512L, disk.SizeBytes);
            long offset = random.Next(4) == 0 ? disk.SizeBytes - length : random.NextInt64(Math.Min(disk.SizeBytes - length, 4 << 20) + 1);
            _ = random.Next(5) switch
            {
                0 => disk.Write(offset, data.AsSpan(0, length)),
                1 => disk.Flush(),
                2 => disk.Discard(offset, length),
                3 => disk.WriteZeroes(offset, length, mayUnmap: true),
                _ => disk.Read(offset, data.AsSpan(0, length)),
            };
        }
    }
}
