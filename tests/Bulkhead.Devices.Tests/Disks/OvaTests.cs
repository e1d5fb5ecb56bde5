using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Host;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

public sealed class OvaTests
{
    [Theory]
    [InlineData("byte * 2^20")]
    [InlineData("MegaBytes")]
    public void Package_Opened_YieldsItsMachineAndDisks(string units)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[][] disks = [Qcow2Tests.Compressible(3 << 20, 1), Qcow2Tests.Compressible(2 << 20, 2)];
        string path = Pack(folder, OvaFile.Describe(512, units, "system.vmdk", "data.vmdk"), ("system.vmdk", disks[0]), ("data.vmdk", disks[1]));
        byte[] before = File.ReadAllBytes(path);

        Assert.True(OvaPackage.IsPackage(path));
        OvaPackage package = OvaPackage.Open(path);

        Assert.Equal(("appliance", 4, 512L << 20), (package.Name, package.Cpus, package.MemoryBytes));
        Assert.Equal(["system.vmdk", "data.vmdk"], package.DiskNames);
        for (int i = 0; i < 2; i++)
        {
            using IDisk disk = DiskImages.OverlayOf(package.OpenDisk(i), folder.Root);
            var model = new DiskModel(disks[i], i);
            model.CompareAll(disk);
            model.Exercise(disk, 100);
            model.CompareAll(disk);
        }

        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData("<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><Envelope>&a;</Envelope>", "DTD is prohibited")]
    [InlineData("<Envelope><VirtualSystem>", "line 1")]
    [InlineData("<Envelope/>", "describes no machine")]
    [InlineData("<Envelope><References><File id='f' href='../../etc/passwd'/></References><DiskSection><Disk diskId='d' fileRef='f'/></DiskSection><VirtualSystem/></Envelope>", "lacks ../../etc/passwd")]
    public void Description_ThatIsHostile_IsNamed(string ovf, string expected)
    {
        using var folder = new TempFolder();

        OperatorException e = Assert.Throws<OperatorException>(() => OvaPackage.Open(Pack(folder, ovf)));

        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Archive_CutAnywhere_IsRefusedOrOpens()
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[] whole = File.ReadAllBytes(Pack(folder, OvaFile.Describe(512, "MegaBytes", "system.vmdk", "data.vmdk"), ("system.vmdk", new byte[1 << 20]), ("data.vmdk", new byte[1 << 20])));
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            byte[] bad = whole[..random.Next(whole.Length)];
            for (int i = random.Next(4); i > 0 && bad.Length > 0; i--)
            {
                bad[random.Next(Math.Min(bad.Length, 8192))] = (byte)random.Next(256);
            }

            File.WriteAllBytes(folder["bad"], bad);
            try
            {
                OvaPackage package = OvaPackage.Open(folder["bad"]);
                package.OpenDisk(0).Dispose();
            }
            catch (OperatorException)
            {
                continue;
            }
        }
    }

    private static string Pack(TempFolder folder, string ovf, params (string Name, byte[] Bytes)[] disks)
    {
        OvaFile.Write(folder["box.ova"], ovf, [.. disks.Select(d => (d.Name, Compress(folder, d.Bytes)))]);
        return folder["box.ova"];
    }

    private static byte[] Compress(TempFolder folder, byte[] disk)
    {
        File.WriteAllBytes(folder["raw"], disk);
        QemuTools.Image("convert", "-q", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", folder["raw"], folder["vmdk"]);
        return File.ReadAllBytes(folder["vmdk"]);
    }
}
