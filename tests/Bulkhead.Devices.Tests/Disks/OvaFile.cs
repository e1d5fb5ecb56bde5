using System.Formats.Tar;
using System.Text;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>Packages of a machine with four processors.</summary>
internal static class OvaFile
{
    /// <summary>A description of a machine with these disks, which stand the other way round in all lists but its own.</summary>
    /// <param name="memory">How much memory.</param>
    /// <param name="units">Of what.</param>
    /// <param name="disks">The names of the disks' files, in the machine's order.</param>
    public static string Describe(int memory, string units, params string[] disks) => $"""
        <?xml version="1.0"?>
        <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
          xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
          <References>{string.Concat(disks.Select(static (d, i) => $"""<File ovf:id="file{i}" ovf:href="{d}"/>""").Reverse())}</References>
          <DiskSection>{string.Concat(disks.Select(static (_, i) => $"""<Disk ovf:capacity="3" ovf:diskId="vmdisk{i}" ovf:fileRef="file{i}"/>""").Reverse())}</DiskSection>
          <VirtualSystem ovf:id="box"><Name>appliance</Name><VirtualHardwareSection>
            <Item><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity></Item>
            <Item><rasd:AllocationUnits>{units}</rasd:AllocationUnits><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>{memory}</rasd:VirtualQuantity></Item>
            {string.Concat(disks.Select(static (_, i) => $"<Item><rasd:HostResource>{Scheme(i)}/disk/vmdisk{i}</rasd:HostResource><rasd:ResourceType>17</rasd:ResourceType></Item>"))}
          </VirtualHardwareSection></VirtualSystem>
        </Envelope>
        """;

    /// <summary>Writes a package.</summary>
    public static void Write(string path, string description, params (string Name, byte[] Bytes)[] disks)
    {
        using var archive = new TarWriter(File.Create(path), TarEntryFormat.Ustar);
        foreach ((string name, byte[] bytes) in ((string, byte[])[])[("box.ovf", Encoding.ASCII.GetBytes(description)), .. disks])
        {
            archive.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
        }
    }

    private static string Scheme(int disk) => disk % 2 == 0 ? "ovf:" : string.Empty; // both are written
}
