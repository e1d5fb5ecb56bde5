using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Devices;
using Bulkhead.Yaml;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads which devices a domain has.</summary>
internal sealed class DeviceReader(ConfigErrors errors, HostReader host, NetworkReader networks, VsockReader vsocks, ShareReader shares, ConsoleReader consoles)
{
    /// <summary>The memory of a channel that says nothing of it.</summary>
    internal const ulong DefaultChannelBytes = 1ul << 20;

    private const string MembersForm = "a list of names of domains of this file";

    /// <summary>Reads the devices of one domain.</summary>
    internal DomainConfig Read(ConfigMap map, DomainConfig domain, string path) => domain with
    {
        Disks = map.List("disks", "a list of disks").Select(item => ReadDisk(item.Node, item.Path)).OfType<DiskRequest>().ToArray(),
        Nets = networks.ReadCards(map, domain.Name),
        Shares = shares.Read(map),
        Console = map.Find("console") is { } console ? consoles.Read(console, $"{path}.console") : null,
        Ports = consoles.ReadPorts(map),
        Entropy = map.Switch("rng", false),
        Balloon = map.Switch("balloon", false),
        Display = ReadDisplay(map),
        Vsock = map.Find("vsock") is { } vsock ? vsocks.Read(vsock, domain.Name, $"{path}.vsock") : null,
    };

    private static DisplayRequest? ReadDisplay(ConfigMap map)
    {
        if (map.Text("display", DisplayRequest.Accepted) is not { } text)
        {
            return null;
        }

        var display = DisplayRequest.Parse(text, out _);
        if (display is null)
        {
            map.Error("display", $"\"{text}\" is not a size of a display", DisplayRequest.Accepted);
        }

        return display;
    }

    /// <summary>Reads the channels of the system.</summary>
    internal IReadOnlyList<ChannelRequest> ReadChannels(ConfigMap top, IReadOnlyList<string> domains)
    {
        var channels = new List<ChannelRequest>();
        foreach ((YamlNode node, string path) in top.List("channels", "a list of channels"))
        {
            if (ConfigMap.Open(errors, node, path, SystemFields.Channel.Names) is { } map)
            {
                channels.Add(ReadChannel(map, domains, channels));
            }
        }

        return channels;
    }

    private ChannelRequest ReadChannel(ConfigMap map, IReadOnlyList<string> domains, List<ChannelRequest> earlier)
    {
        const string nameForm = "a name of its own: lower-case letters, digits and hyphens, a letter first, at most 32";
        map.Require("name", nameForm);

        string name = map.Name("name", nameForm) ?? string.Empty;
        if (name.Length > 0 && earlier.Exists(c => c.Name == name))
        {
            map.Error("name", $"\"{name}\" is the name of an earlier channel", nameForm);
        }

        ulong size = map.Size("size", DefaultChannelBytes, ChannelRequest.LeastBytes, ChannelRequest.MostBytes);
        if (!ulong.IsPow2(size))
        {
            map.Error("size", $"{Quantity.FormatSize(size)} is no power of two", $"such as {Quantity.FormatSize(System.Numerics.BitOperations.RoundUpToPowerOf2(size))}");
        }

        map.Require("writers", MembersForm);

        var members = new List<(string Domain, bool MayWrite)>();
        foreach ((string field, bool writes) in (ReadOnlySpan<(string, bool)>)[("writers", true), ("readers", false)])
        {
            foreach ((YamlNode item, string itemPath) in map.List(field, MembersForm))
            {
                string member = (item as YamlScalarNode)?.Value ?? string.Empty;
                if (!domains.Contains(member))
                {
                    errors.Add(item.Start, itemPath, $"\"{member}\" is not a domain of this file", $"one of {string.Join(", ", domains)}", NearestName.Find(member, domains));
                }
                else if (members.Exists(m => m.Domain == member))
                {
                    errors.Add(item.Start, itemPath, $"{member} is a member already", "name each domain once, as a writer or a reader");
                }
                else
                {
                    members.Add((member, writes));
                }
            }
        }

        return new ChannelRequest(name, size, map.Number("doorbells", 1, 0, ChannelRequest.MostVectors), members);
    }

    private DiskRequest? ReadDisk(YamlNode node, string path)
    {
        if (ConfigMap.Open(errors, node, path, SystemFields.Disk.Names) is not { } map)
        {
            return null;
        }

        const string accepted = "the path of a disk image, absolute or from the system file's folder";
        map.Require("file", accepted);

        bool readOnly = map.Switch("read_only", false);
        bool snapshot = map.Switch("snapshot", false);
        return host.File(map, "file", accepted, written: !readOnly && !snapshot) is { } file ? new DiskRequest
        {
            Path = file,
            ReadOnly = readOnly,
            Format = map.Choice("format", DiskRequest.Formats),
            Mmio = map.Choice("bus", DiskRequest.Buses) == DiskRequest.Buses[1],
            Uncached = map.Choice("cache", DiskRequest.Caches) == DiskRequest.Caches[1],
            Snapshot = snapshot,
            Serial = map.Text("serial", "what the guest finds as serial number") ?? string.Empty,
            Limit = LimitReader.Read(map, countsRequests: true),
        }
        : null;
    }
}
