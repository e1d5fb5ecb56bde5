using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Ova;

/// <summary>What a machine is made of, as an OVF file says.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Cpus">Processors.</param>
/// <param name="MemoryBytes">Memory.</param>
/// <param name="DiskFiles">The files of its disks, in its order.</param>
/// <remarks>
/// Names of elements are looked at, not their namespaces, which differ between versions. No document type, no other file is read.
/// <para><i>Source</i>: DMTF DSP0243, "Open Virtualization Format Specification", 7 to 9; DSP0004, Annex C (units).</para>
/// </remarks>
internal sealed record class OvfDescription(string Name, int Cpus, long MemoryBytes, IReadOnlyList<string> DiskFiles)
{
    private const int MostBytes = 4 << 20;
    private const string Processor = "3";
    private const string Memory = "4";
    private const string DiskDrive = "17";

    /// <summary>Reads the text of an OVF file.</summary>
    internal static OvfDescription Read(IImageFile file)
    {
        if (file.LengthBytes > MostBytes)
        {
            throw new OperatorException($"{file.Name} is larger than {MostBytes >> 20} MiB, which no description of a machine is.");
        }

        byte[] bytes = new byte[file.LengthBytes];
        if (file.Read(0, bytes) != DiskResult.Ok)
        {
            throw new OperatorException($"{file.Name} cannot be read; check the host's disk.");
        }

        try
        {
            var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MostBytes };
            using var reader = XmlReader.Create(new MemoryStream(bytes), settings);
            return Read(file, XDocument.Load(reader));
        }
        catch (XmlException e)
        {
            throw new OperatorException($"{file.Name}, line {e.LineNumber}: {e.Message} Export the machine again.", e);
        }
    }

    private static OvfDescription Read(IImageFile file, XDocument document)
    {
        XElement[] all = [.. document.Descendants()];
        XElement system = all.FirstOrDefault(static e => e.Name.LocalName == "VirtualSystem")
            ?? throw new OperatorException($"{file.Name} describes no machine; export it again.");
        var files = new Dictionary<string, string>();
        foreach (XElement f in all.Where(static e => e.Name.LocalName == "File"))
        {
            files[Attribute(f, "id")] = Attribute(f, "href");
        }

        var disks = new Dictionary<string, string>();
        foreach (XElement d in all.Where(static e => e.Name.LocalName == "Disk" && e.Parent?.Name.LocalName == "DiskSection"))
        {
            if (files.TryGetValue(Attribute(d, "fileRef"), out string? name))
            {
                disks[Attribute(d, "diskId")] = name;
            }
        }

        XElement[] items = [.. system.Descendants().Where(static e => e.Name.LocalName is "Item" or "StorageItem")];
        string[] used = [.. items.Where(static i => Value(i, "ResourceType") == DiskDrive)
            .Select(static i => Value(i, "HostResource").Split('/')[^1])
            .Where(disks.ContainsKey)
            .Select(d => disks[d])
            .Distinct()];
        XElement? memory = items.FirstOrDefault(static i => Value(i, "ResourceType") == Memory);
        return new OvfDescription(
            system.Elements().FirstOrDefault(static e => e.Name.LocalName == "Name")?.Value.Trim() ?? Attribute(system, "id"),
            (int)Math.Clamp(Number(items.FirstOrDefault(static i => Value(i, "ResourceType") == Processor)) ?? 1, 1, 1024),
            Math.Clamp(Number(memory) ?? 1024, 1, 1L << 40) is long quantity ? Bytes(quantity, memory is null ? string.Empty : Value(memory, "AllocationUnits")) : 0,
            used.Length > 0 ? used : [.. disks.Values]);
    }

    private static string Attribute(XElement element, string name) => element.Attributes().FirstOrDefault(a => a.Name.LocalName == name)?.Value ?? string.Empty;

    private static string Value(XElement item, string name) => item.Elements().FirstOrDefault(e => e.Name.LocalName == name)?.Value.Trim() ?? string.Empty;

    private static long? Number(XElement? item) =>
        item is not null && long.TryParse(Value(item, "VirtualQuantity"), NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : null;

    // "byte * 2^20", or a word as older exports have it; MiB where nothing is said.
    private static long Bytes(long quantity, string units)
    {
        string text = units.Replace(" ", string.Empty, StringComparison.Ordinal).ToUpperInvariant();
        int power = text.IndexOf("2^", StringComparison.Ordinal) is int at and >= 0 && int.TryParse(text[(at + 2)..], NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n
            : text is "BYTE" or "BYTES" ? 0
            : text.StartsWith("KILO", StringComparison.Ordinal) || text == "KB" ? 10
            : text.StartsWith("GIGA", StringComparison.Ordinal) || text == "GB" ? 30
            : 20;
        return power is >= 0 and <= 40 && quantity <= (1L << 50) >> power ? quantity << power : 1L << 50;
    }
}
