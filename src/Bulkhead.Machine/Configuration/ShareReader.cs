using Bulkhead.Machine.Devices;
using Bulkhead.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads which folders of the host domains have.</summary>
internal sealed class ShareReader(ConfigErrors errors, HostReader host)
{
    private readonly List<(Mark At, string Path)> _all = [];

    /// <summary>Reads those of a domain.</summary>
    internal IReadOnlyList<ShareRequest> Read(ConfigMap domain)
    {
        var shares = new List<ShareRequest>();
        foreach ((YamlNode node, string path) in domain.List("shares", "a list of shares"))
        {
            if (ConfigMap.Open(errors, node, path, SystemFields.Share.Names) is { } map && Read(map, shares) is { } share)
            {
                shares.Add(share);
                _all.Add((node.Start, path));
            }
        }

        return shares.Count == 0 ? Array.Empty<ShareRequest>() : shares;
    }

    /// <summary>Notes what a system in virtual time cannot have.</summary>
    internal void RefuseHostTime()
    {
        foreach ((Mark at, string path) in _all)
        {
            errors.Add(at, path, "is what the host makes of it meanwhile, and the clock is virtual", "leave it out, or set clock: real");
        }
    }

    private ShareRequest? Read(ConfigMap map, List<ShareRequest> earlier)
    {
        map.Require("folder", ShareRequest.PathForm);
        if (host.Folder(map, "folder", ShareRequest.PathForm) is not { } path)
        {
            return null;
        }

        string tag = map.Text("tag", ShareRequest.TagForm) ?? ShareRequest.DefaultTag(path);
        if (!ShareRequest.IsTag(tag))
        {
            map.Error("tag", map.Has("tag") ? $"\"{tag}\" is no tag" : "is missing, and the folder's name is none", ShareRequest.TagForm);
        }
        else if (earlier.Exists(s => s.Tag == tag))
        {
            map.Error("tag", $"\"{tag}\" is that of an earlier share of the domain", ShareRequest.TagForm);
        }

        return new ShareRequest(path, tag, map.Switch("read_only", false));
    }
}
