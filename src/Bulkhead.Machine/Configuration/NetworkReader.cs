using System.Globalization;
using System.Net;
using Bulkhead.Host;
using Bulkhead.Host.Network;
using Bulkhead.Machine.Devices;
using Bulkhead.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads networks between domains, and what the domains' cards are connected to.</summary>
/// <remarks>First the names of the networks, then the domains' cards, then the rules: each speaks of the one before.</remarks>
internal sealed class NetworkReader(ConfigErrors errors)
{
    /// <summary>The least of a limit in bytes.</summary>
    internal const ulong LeastRate = 1;

    /// <summary>The most.</summary>
    internal const ulong MostRate = 1ul << 40;

    private const string ForwardForm = PortForward.Form + ", as in tcp:2222-:22";
    private const string NameForm = "a name of its own: lower-case letters, digits and hyphens, a letter first, at most 32";
    private const string PortForm = "a port from 0 to 65535, or a range such as 6000-6010";
    private const string DeviceForm = "the name of a TAP device of the host, at most 15 characters, such as tap0";
    private const string AddressForm = "an IP address such as 10.0.0.1 or fd00::1, or a list of them";

    private readonly List<(string Name, ConfigMap Map)> _networks = [];
    private readonly List<(Mark At, string Path)> _ofHost = [];
    private readonly List<(string Network, string Domain, string Mac)> _members = [];

    private string[] Names => [NetRequest.User, NetRequest.Tap, .. _networks.Select(static n => n.Name)];

    /// <summary>Reads which networks there are.</summary>
    internal void ReadNames(ConfigMap top)
    {
        foreach ((YamlNode node, string path) in top.List("networks", "a list of networks"))
        {
            if (ConfigMap.Open(errors, node, path, SystemFields.DomainNetwork.Names) is not { } map)
            {
                continue;
            }

            map.Require("name", NameForm);

            string name = map.Name("name", NameForm) ?? string.Empty;
            if (name.Length > 0 && Names.Contains(name))
            {
                map.Error("name", name is NetRequest.User or NetRequest.Tap ? $"\"{name}\" is the host's" : $"\"{name}\" is the name of an earlier network", NameForm);
            }

            _networks.Add((name, map));
        }
    }

    /// <summary>Reads a domain's cards.</summary>
    internal NetRequest[] ReadCards(ConfigMap domain, string name) =>
        [.. domain.List("networks", "a list of networks it is part of").Select((item, i) => ReadCard(item.Node, item.Path, name, i)).OfType<NetRequest>()];

    /// <summary>Notes what a system in virtual time cannot have.</summary>
    internal void RefuseHostTime()
    {
        foreach ((Mark at, string path) in _ofHost)
        {
            errors.Add(at, path, "brings what comes at the host's time, and the clock is virtual", "leave it out, or set clock: real");
        }
    }

    /// <summary>Reads the networks with their rules.</summary>
    internal IReadOnlyList<NetworkRequest> ReadRules() =>
        [.. _networks.Select(n => new NetworkRequest(n.Name, n.Map.Number("mtu", NetworkRequest.DefaultMtu, NetworkRequest.LeastMtu, NetworkRequest.MostMtu), ReadRules(n.Name, n.Map)))];

    private NetRequest? ReadCard(YamlNode node, string path, string domain, int number)
    {
        if (ConfigMap.Open(errors, node, path, SystemFields.Network.Names) is not { } map)
        {
            return null;
        }

        map.Require("name", $"one of {string.Join(", ", Names)}");

        var card = new NetRequest
        {
            Network = map.Choice("name", Names) ?? NetRequest.User,
            Device = ReadDevice(map),
            Forwards = ReadForwards(map, path),
            Mac = ReadMac(map),
            Addresses = ReadAddresses(map, path),
            Limit = LimitReader.Read(map, countsRequests: false),
        };
        if (card.IsOfHost)
        {
            _ofHost.Add((map.Start, path));
        }
        else
        {
            AddMember(map, card, domain, number);
        }

        Only(map, "forward", card.Network == NetRequest.User, "the network user", card.IsOfHost ? "the guest has an address of its own there" : "what may pass say the rules of the network");
        Only(map, "device", card.Network == NetRequest.Tap, "the network tap", "it names an interface of the host");
        Only(map, "address", !card.IsOfHost, "a network of this file", "on the host's nobody looks at it");
        Only(map, "bytes_per_second", card.IsOfHost, "the networks user and tap", "how much passes say the rules of the network");
        if (card.Network == NetRequest.Tap && !map.Has("device"))
        {
            map.Error("device", "is missing", DeviceForm);
        }

        return card;
    }

    private static void Only(ConfigMap map, string field, bool fits, string where, string why)
    {
        if (!fits && map.Has(field))
        {
            map.Error(field, $"goes with {where} only", $"leave it out: {why}");
        }
    }

    private static string ReadDevice(ConfigMap map)
    {
        string name = map.Text("device", DeviceForm) ?? string.Empty;
        if (name.Length > TapDevice.LongestName || name.Contains('/', StringComparison.Ordinal))
        {
            map.Error("device", $"\"{name}\" is no name of an interface", DeviceForm);
        }

        return name;
    }

    private void AddMember(ConfigMap map, NetRequest card, string domain, int number)
    {
        string mac = Convert.ToHexString(card.MacOf(domain, number));
        if (_members.Exists(m => m.Network == card.Network && m.Domain == domain))
        {
            map.Error("name", $"{domain} is part of {card.Network} already", "name each network once");
        }
        else if (_members.Find(m => m.Network == card.Network && m.Mac == mac) is { Domain: { } other })
        {
            map.Error("mac", $"is the address of {other} as well", "give each card of a network an address of its own");
        }

        _members.Add((card.Network, domain, mac));
    }

    private List<PortForward> ReadForwards(ConfigMap map, string path)
    {
        var forwards = new List<PortForward>();
        foreach ((YamlNode item, string itemPath, string text) in Texts(map, path, "forward", ForwardForm))
        {
            if (PortForward.Parse(text) is { } forward)
            {
                forwards.Add(forward);
            }
            else
            {
                errors.Add(item.Start, itemPath, $"\"{text}\" is not a forwarded port", ForwardForm);
            }
        }

        return forwards;
    }

    private static byte[]? ReadMac(ConfigMap map)
    {
        byte[]? mac = null;
        if (map.Text("mac", NetRequest.MacForm) is { } address && (mac = NetRequest.ParseMac(address)) is null)
        {
            map.Error("mac", $"\"{address}\" is not an address", NetRequest.MacForm);
        }

        return mac;
    }

    private List<IPAddress> ReadAddresses(ConfigMap map, string path)
    {
        var addresses = new List<IPAddress>();
        foreach ((YamlNode item, string itemPath, string text) in Texts(map, path, "address", AddressForm))
        {
            // IPAddress takes "1" for 0.0.0.1, which nobody means.
            if (text.AsSpan().ContainsAny('.', ':') && IPAddress.TryParse(text, out IPAddress? address))
            {
                addresses.Add(address);
            }
            else
            {
                errors.Add(item.Start, itemPath, $"\"{text}\" is not an IP address", AddressForm);
            }
        }

        return addresses;
    }

    private static IEnumerable<(YamlNode Item, string Path, string Text)> Texts(ConfigMap map, string path, string field, string form)
    {
        IEnumerable<(YamlNode Node, string Path)> items = map.Find(field) is YamlScalarNode single ? [(single, $"{path}.{field}")] : map.List(field, $"a list of {form}");
        return items.Select(static item => (item.Node, item.Path, (item.Node as YamlScalarNode)?.Value ?? string.Empty));
    }

    private List<NetworkRule> ReadRules(string network, ConfigMap map)
    {
        var rules = new List<NetworkRule>();
        foreach ((YamlNode node, string path) in map.List("rules", "a list of rules"))
        {
            if (ConfigMap.Open(errors, node, path, SystemFields.NetworkRule.Names) is { } rule)
            {
                rules.Add(ReadRule(network, rule));
            }
        }

        return rules;
    }

    private NetworkRule ReadRule(string network, ConfigMap map)
    {
        string[] members = [.. _members.Where(m => m.Network == network).Select(static m => m.Domain)];
        string from = ReadMember(map, "from", network, members);
        string to = ReadMember(map, "to", network, members);
        if (from == to && from != NetworkRule.Any && from.Length > 0)
        {
            map.Error("to", $"{to} is the sender as well", "a network carries nothing from a domain to itself; name another");
        }

        string protocol = map.Choice("protocol", NetworkRule.Protocols) ?? NetworkRule.Any;
        (ushort first, ushort last) = ReadPorts(map);
        if (map.Has("port") && protocol is not ("tcp" or "udp"))
        {
            map.Error("port", $"goes with protocol tcp or udp, and the protocol is {protocol}", "leave it out, or set protocol: tcp");
        }

        bool denies = map.Choice("action", NetworkRule.Actions) == NetworkRule.Actions[1];
        foreach (string limit in (ReadOnlySpan<string>)["frames_per_second", "bytes_per_second"])
        {
            if (denies && map.Has(limit))
            {
                map.Error(limit, "has nothing to limit: the rule lets nothing pass", "leave it out, or set action: allow");
            }
        }

        return new NetworkRule
        {
            From = from,
            To = to,
            Protocol = protocol,
            FirstPort = first,
            LastPort = last,
            Denies = denies,
            FramesPerSecond = map.Number("frames_per_second", 0, 1, int.MaxValue),
            BytesPerSecond = (long)map.Size("bytes_per_second", 0, LeastRate, MostRate),
        };
    }

    private static string ReadMember(ConfigMap map, string field, string network, string[] members)
    {
        string[] known = [NetworkRule.Any, .. members];
        string accepted = $"one of {string.Join(", ", known)}; a domain is part of a network by its own field networks";
        map.Require(field, accepted);

        string name = map.Text(field, accepted) ?? string.Empty;
        if (name.Length > 0 && !known.Contains(name))
        {
            map.Error(field, $"\"{name}\" is not part of {network}", accepted, NearestName.Find(name, known));
        }

        return name;
    }

    private static (ushort First, ushort Last) ReadPorts(ConfigMap map)
    {
        if (map.Text("port", PortForm) is not { } text)
        {
            return (0, ushort.MaxValue);
        }

        string[] ends = text.Split('-');
        bool right = TryPort(ends[0], out ushort first) & TryPort(ends[^1], out ushort last) && ends.Length <= 2 && first <= last;
        if (!right)
        {
            map.Error("port", $"\"{text}\" is not a port", PortForm);
        }

        return (first, last);
    }

    private static bool TryPort(string text, out ushort port) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
}
