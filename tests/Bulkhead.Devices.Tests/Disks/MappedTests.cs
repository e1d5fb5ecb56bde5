using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Devices.Backends.Disks.Vdi;
using Bulkhead.Devices.Backends.Disks.Vmdk;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

public sealed class MappedTests
{
    [Theory]
    [InlineData("vmdk", "subformat=monolithicSparse", 1)]
    [InlineData("vmdk", "subformat=monolithicFlat", 2)]
    [InlineData("vdi", "static=off", 3)]
    [InlineData("vdi", "static=on", 4)]
    [InlineData("vmdk", null, 5)]
    [InlineData("vdi", null, 6)]
    public void RandomRequests_Image_MatchTheModelAndQemu(string format, string? options, int seed)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        string path = folder["disk." + format];
        const int size = (5 << 20) + 1536;
        if (options is not null)
        {
            QemuTools.Image("create", "-q", "-f", format, "-o", options, path, $"{size}");
        }
        else
        {
            using var file = new HostImageFile(BlockFile.Create(path));
            Assert.Equal(DiskResult.Ok, format == "vdi" ? VdiDisk.Create(file, size) : VmdkImage.Create(file, "disk.vmdk", size));
        }

        var model = new DiskModel(new byte[size], seed);
        for (int life = 0; life < 4; life++)
        {
            using (IDisk disk = DiskImages.Open(path, new DiskOptions()))
            {
                model.CompareAll(disk);
                model.Exercise(disk, 150);
                model.CompareAll(disk);
            }

            if (options != "subformat=monolithicFlat")
            {
                QemuTools.ExpectClean(format, path);
            }
        }

        File.WriteAllBytes(folder["model"], model.Bytes);
        QemuTools.Image("compare", "-q", "-f", format, "-F", "raw", path, folder["model"]);
    }

    [Theory]
    [InlineData("subformat=streamOptimized", 65536)]
    [InlineData("subformat=monolithicSparse", 4096)]
    public void Image_OfQemu_ReadsAlike(string options, int reads)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[] bytes = Qcow2Tests.Compressible(70 << 20, 7);
        bytes.AsSpan(8 << 20, 40 << 20).Clear();
        File.WriteAllBytes(folder["model"], bytes);
        QemuTools.Image("convert", "-q", "-f", "raw", "-O", "vmdk", "-o", options, folder["model"], folder["disk.vmdk"]);
        using IDisk disk = DiskImages.Open(folder["disk.vmdk"], new DiskOptions { ReadOnly = true });
        byte[] data = new byte[reads];
        Assert.Equal(bytes.Length, disk.SizeBytes);
        for (int at = 0; at < bytes.Length; at += reads)
        {
            Assert.Equal(DiskResult.Ok, disk.Read(at, data));
            Assert.True(data.AsSpan().SequenceEqual(bytes.AsSpan(at, reads)), $"at {at}");
        }
    }

    [Fact]
    public void StreamOptimized_ToBeWritten_NeedsAnOverlay()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[] bytes = Qcow2Tests.Compressible(3 << 20, 8);
        File.WriteAllBytes(folder["model"], bytes);
        QemuTools.Image("convert", "-q", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", folder["model"], folder["disk.vmdk"]);
        Assert.Contains("overlay", Assert.Throws<OperatorException>(() => DiskImages.Open(folder["disk.vmdk"], new DiskOptions())).Message, StringComparison.Ordinal);
        using IDisk disk = DiskImages.Open(folder["disk.vmdk"], new DiskOptions { Overlay = true, OverlayFolder = folder.Root });
        var model = new DiskModel(bytes, 9);
        model.CompareAll(disk);
        model.Exercise(disk, 200);
        model.CompareAll(disk);
    }

    [Fact]
    public void Descriptor_ThatNamesAFileElsewhere_IsRefused()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["disk.vmdk"], VmdkDescriptor.Write("monolithicFlat", "FLAT", "/etc/passwd", 512));

        OperatorException e = Assert.Throws<OperatorException>(() => DiskImages.Open(folder["disk.vmdk"], new DiskOptions { ReadOnly = true }));

        Assert.Contains("'/etc/passwd', which does not stand beside it", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void VdiCount_LeftBehind_IsMendedAtTheNextOpen()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        QemuTools.Image("create", "-q", "-f", "vdi", folder["disk.vdi"], "8M");
        QemuTools.Io("vdi", folder["disk.vdi"], "write -P 1 0 3M");
        using (FileStream file = File.OpenWrite(folder["disk.vdi"]))
        {
            file.Position = VdiDisk.AllocatedAt;
            file.WriteByte(1);
        }

        Assert.NotEqual(0, QemuTools.Check("vdi", folder["disk.vdi"]).Code);
        DiskImages.Open(folder["disk.vdi"], new DiskOptions()).Dispose();
        QemuTools.ExpectClean("vdi", folder["disk.vdi"]);
    }
}
