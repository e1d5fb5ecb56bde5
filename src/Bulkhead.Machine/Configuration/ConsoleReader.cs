using Bulkhead.Machine.Devices;
using Bulkhead.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads the virtio consoles of domains, and their ports with names.</summary>
internal sealed class ConsoleReader(ConfigErrors errors, HostReader host)
{
    private readonly HashSet<string> _paths = [];
    private readonly List<(Mark At, string Path)> _all = [];

    /// <summary>Reads the console of a domain.</summary>
    internal ConsoleRequest? Read(YamlNode node, string path)
    {
        if (ConfigMap.Open(errors, node, path, SystemFields.Console.Names) is not { } map)
        {
            return null;
        }

        _all.Add((node.Start, path));
        (ushort columns, ushort rows) = (0, 0);
        if (map.Text("size", ConsoleRequest.SizeForm) is { } size && !ConsoleRequest.TryParseSize(size, out columns, out rows))
        {
            map.Error("size", $"\"{size}\" is no size", ConsoleRequest.SizeForm);
        }

        return new ConsoleRequest(ReadPath(map), columns, rows);
    }

    /// <summary>Reads the ports of a domain.</summary>
    internal IReadOnlyList<PortRequest> ReadPorts(ConfigMap domain)
    {
        var ports = new List<PortRequest>();
        foreach ((YamlNode node, string path) in domain.List("ports", "a list of ports"))
        {
            if (ConfigMap.Open(errors, node, path, SystemFields.Port.Names) is { } map)
            {
                _all.Add((node.Start, path));
                map.Require("name", PortRequest.NameForm);
                string name = map.Text("name", PortRequest.NameForm) ?? string.Empty;
                if (map.Has("name") && (!PortRequest.IsName(name) || ports.Exists(p => p.Name == name)))
                {
                    map.Error("name", PortRequest.IsName(name) ? $"\"{name}\" is an earlier port of the domain" : $"\"{name}\" is no name of a port", PortRequest.NameForm);
                }

                map.Require("path", ConsoleRequest.PathForm);
                if (ReadPath(map) is { } socket)
                {
                    ports.Add(new PortRequest(name, socket));
                }
            }
        }

        if (ports.Count > PortRequest.Most)
        {
            domain.Error("ports", $"are {ports.Count}", $"at most {PortRequest.Most}");
        }

        return ports.Count == 0 ? Array.Empty<PortRequest>() : ports;
    }

    /// <summary>Notes what a system in virtual time cannot have.</summary>
    internal void RefuseHostTime()
    {
        foreach ((Mark at, string path) in _all)
        {
            errors.Add(at, path, "brings what comes at the host's time, and the clock is virtual", "leave it out, or set clock: real");
        }
    }

    private string? ReadPath(ConfigMap map)
    {
        string? path = host.NewFile(map, "path", ConsoleRequest.PathForm);
        if (path is not null && !ConsoleRequest.Fits(path))
        {
            map.Error("path", "is too long for a socket", ConsoleRequest.PathForm);
        }
        else if (path is not null && !_paths.Add(path))
        {
            map.Error("path", "is another port's", ConsoleRequest.PathForm);
        }

        return path;
    }
}
