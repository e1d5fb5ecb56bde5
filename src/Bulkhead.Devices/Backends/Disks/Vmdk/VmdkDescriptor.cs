using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Vmdk;

/// <summary>The text that says what a VMDK disk is made of.</summary>
/// <remarks><i>Source</i>: VMware, "Virtual Disk Format 5.0", "The Descriptor File".</remarks>
internal sealed partial record class VmdkDescriptor(string CreateType, string ParentId, IReadOnlyList<VmdkExtent> Extents)
{
    private const int MostBytes = 1 << 20;

    /// <summary>Reads a descriptor out of a part of a file.</summary>
    internal static VmdkDescriptor Read(IImageFile file, long offset, long length)
    {
        VmdkHeader.Check(file, length is > 0 and <= MostBytes, "its descriptor is empty or longer than 1 MiB");
        byte[] bytes = new byte[length];
        VmdkHeader.Check(file, file.Read(offset, bytes) == DiskResult.Ok, "its descriptor cannot be read");
        string text = Encoding.UTF8.GetString(bytes).TrimEnd('\0');
        string type = string.Empty;
        string parent = "ffffffff";
        var extents = new List<VmdkExtent>();
        foreach (string line in text.Split('\n').Select(static l => l.Trim()))
        {
            Match field = Field().Match(line);
            Match extent = Extent().Match(line);
            if (field.Success)
            {
                type = field.Groups[1].Value == "createType" ? field.Groups[2].Value : type;
                parent = field.Groups[1].Value == "parentCID" ? field.Groups[2].Value : parent;
            }
            else if (extent.Success)
            {
                VmdkHeader.Check(
                    file,
                    long.TryParse(extent.Groups[2].Value, NumberStyles.None, CultureInfo.InvariantCulture, out long sectors) && sectors < 1L << 46,
                    "an extent in its descriptor has a size that is out of range");
                _ = long.TryParse(extent.Groups[5].Value, NumberStyles.None, CultureInfo.InvariantCulture, out long start);
                VmdkHeader.Check(file, start < 1L << 46, "an extent in its descriptor has an offset that is out of range");
                extents.Add(new VmdkExtent(extent.Groups[1].Value, extent.Groups[3].Value, sectors * DiskRange.SectorBytes, extent.Groups[4].Value, start * DiskRange.SectorBytes));
                VmdkHeader.Check(file, extents.Count <= 1024, "its descriptor names more than 1024 extents");
            }
        }

        if (!parent.Equals("ffffffff", StringComparison.OrdinalIgnoreCase))
        {
            throw new OperatorException($"{file.Name} only holds the differences to another image, which is not supported; join them with 'qemu-img convert'.");
        }

        return new VmdkDescriptor(type, parent, extents);
    }

    /// <summary>The descriptor of a disk of one extent.</summary>
    internal static string Write(string createType, string extentType, string extentFile, long sizeBytes)
    {
        long sectors = sizeBytes / DiskRange.SectorBytes;
        long cylinders = Math.Min(sectors / (16 * 63), 16383);
        string offset = extentType == "FLAT" ? " 0" : string.Empty;
        return string.Create(CultureInfo.InvariantCulture, $"""
            # Disk DescriptorFile
            version=1
            CID={(uint)Random.Shared.Next():x8}
            parentCID=ffffffff
            createType="{createType}"

            # Extent description
            RW {sectors} {extentType} "{extentFile}"{offset}

            # The Disk Data Base
            #DDB

            ddb.virtualHWVersion = "4"
            ddb.geometry.cylinders = "{cylinders}"
            ddb.geometry.heads = "16"
            ddb.geometry.sectors = "63"
            ddb.adapterType = "ide"

            """).ReplaceLineEndings("\n");
    }

    [GeneratedRegex("^(createType|parentCID)\\s*=\\s*\"?([^\"]*?)\"?$", RegexOptions.CultureInvariant)]
    private static partial Regex Field();

    [GeneratedRegex("^(RW|RDONLY|NOACCESS)\\s+([0-9]{1,18})\\s+(\\w+)(?:\\s+\"([^\"]*)\")?(?:\\s+([0-9]{1,18}))?", RegexOptions.CultureInvariant)]
    private static partial Regex Extent();
}
