using Bulkhead.Host;
using Bulkhead.Machine.Devices;
using Bulkhead.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads where the sockets of domains lead.</summary>
internal sealed class VsockReader(ConfigErrors errors, HostReader host)
{
    private const string PeersForm = "a list of names of domains of this file that have vsock";
    private readonly HashSet<int> _cids = [];
    private readonly HashSet<string> _paths = [];
    private readonly List<(Mark At, string Path)> _all = [];
    private readonly List<(Mark At, string Path, string Domain, string Peer)> _peers = [];

    /// <summary>Reads those of a domain.</summary>
    internal VsockRequest? Read(YamlNode node, string domain, string path)
    {
        if (ConfigMap.Open(errors, node, path, SystemFields.Vsock.Names) is not { } map)
        {
            return null;
        }

        _all.Add((node.Start, path));
        const string cidForm = "a number from 3 on that no other domain has; 2 is the host";
        map.Require("cid", cidForm);

        int cid = map.Number("cid", VsockRequest.LeastCid, VsockRequest.LeastCid, VsockRequest.MostCid);
        if (map.Has("cid") && !_cids.Add(cid))
        {
            map.Error("cid", $"{cid} is another domain's", cidForm);
        }

        string? socket = host.NewFile(map, "path", VsockRequest.PathForm);
        if (socket is not null && !VsockRequest.Fits(socket))
        {
            map.Error("path", "is too long for a socket", VsockRequest.PathForm);
        }
        else if (socket is not null && !_paths.Add(socket))
        {
            map.Error("path", "is another domain's", VsockRequest.PathForm);
        }

        var peers = new List<string>();
        foreach ((YamlNode item, string itemPath) in map.List("peers", PeersForm))
        {
            string peer = (item as YamlScalarNode)?.Value ?? string.Empty;
            _peers.Add((item.Start, itemPath, domain, peer));
            peers.Add(peer);
        }

        return new VsockRequest((uint)cid, socket, peers);
    }

    /// <summary>Notes what a system in virtual time cannot have.</summary>
    internal void RefuseHostTime()
    {
        foreach ((Mark at, string path) in _all)
        {
            errors.Add(at, path, "brings what comes at the host's time, and the clock is virtual", "leave it out, or set clock: real");
        }
    }

    /// <summary>Checks that those named are there.</summary>
    internal void CheckPeers(IReadOnlyList<DomainConfig> domains)
    {
        string[] known = [.. domains.Where(static d => d.Vsock is not null).Select(static d => d.Name)];
        foreach ((Mark at, string path, string domain, string peer) in _peers)
        {
            if (peer == domain)
            {
                errors.Add(at, path, "is the domain itself", PeersForm);
            }
            else if (!known.Contains(peer))
            {
                errors.Add(at, path, $"\"{peer}\" is not a domain of this file that has vsock", PeersForm, NearestName.Find(peer, known));
            }
        }
    }
}
