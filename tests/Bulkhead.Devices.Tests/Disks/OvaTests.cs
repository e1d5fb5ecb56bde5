using System.Formats.Tar;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Host;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

public sealed class OvaTests
{
    private const string Ovf = """
        <?xml version="1.0"?>
        <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
          xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
          <References><File ovf:id="file2" ovf:href="data.vmdk"/><File ovf:id="file1" ovf:href="system.vmdk"/></References>
          <DiskSection>
            <Disk ovf:capacity="3" ovf:diskId="vmdisk2" ovf:fileRef="file2"/><Disk ovf:capacity="3" ovf:diskId="vmdisk1" ovf:fileRef="file1"/>
          </DiskSection>
          <VirtualSystem ovf:id="box"><Name>appliance</Name><VirtualHardwareSection>
            <Item><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity></Item>
            <Item><rasd:AllocationUnits>UNITS</rasd:AllocationUnits><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
            <Item><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:ResourceType>17</rasd:ResourceType></Item>
            <Item><rasd:HostResource>/disk/vmdisk2</rasd:HostResource><rasd:ResourceType>17</rasd:ResourceType></Item>
          </VirtualHardwareSection></VirtualSystem>
        </Envelope>
        """;

    [Theory]
    [InlineData("byte * 2^20")]
    [InlineData("MegaBytes")]
    public void Package_Opened_YieldsItsMachineAndDisks(string units)
    {
        QemuTools.Need();
        using var folder = new TempFolder();
        byte[][] disks = [Qcow2Tests.Compressible(3 << 20, 1), Qcow2Tests.Compressible(2 << 20, 2)];
        string path = Pack(folder, Ovf.Replace("UNITS", units, StringComparison.Ordinal), ("system.vmdk", disks[0]), ("data.vmdk", disks[1]));
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
        byte[] whole = File.ReadAllBytes(Pack(folder, Ovf, ("system.vmdk", new byte[1 << 20]), ("data.vmdk", new byte[1 << 20])));
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
        File.WriteAllText(folder["box.ovf"], ovf);
        using FileStream file = File.Create(folder["box.ova"]);
        using var tar = new TarWriter(file, TarEntryFormat.Ustar);
        tar.WriteEntry(folder["box.ovf"], "box.ovf");
        foreach ((string name, byte[] bytes) in disks)
        {
            File.WriteAllBytes(folder["raw"], bytes);
            QemuTools.Image("convert", "-q", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", folder["raw"], folder[name]);
            tar.WriteEntry(folder[name], name);
        }

        return folder["box.ova"];
    }
}
