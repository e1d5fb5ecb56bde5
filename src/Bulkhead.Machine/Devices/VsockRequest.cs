using System.Globalization;
using Bulkhead.Devices.Virtio.Vsock;
using Bulkhead.Host.Files;
using Bulkhead.Host.Network;

namespace Bulkhead.Machine.Devices;

/// <summary>The sockets to the host and to other domains that a domain is to have.</summary>
/// <param name="Cid">The guest's number.</param>
/// <param name="Path">Where processes of the host connect to, or null: there is no way to the host.</param>
/// <param name="Peers">The names of the domains it may connect to.</param>
public sealed record VsockRequest(uint Cid, string? Path, IReadOnlyList<string> Peers)
{
    /// <summary>How it is written on a command line.</summary>
    public const string Form = "CID[,uds=PATH]";

    /// <summary>The least number of a guest.</summary>
    internal const int LeastCid = VsockEndpoint.LeastCid;

    /// <summary>The largest here.</summary>
    internal const int MostCid = int.MaxValue;

    internal const string PathForm = "the path of a socket to be made, absolute or from the system file's folder, at most 96 bytes";

    /// <summary>So that a port's number fits behind it.</summary>
    private static readonly int s_mostPathBytes = UnixAddress.MostPathBytes - "_4294967295".Length;

    /// <summary>Reads what a command line says.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static VsockRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (DeviceWords.Parse(text, [], ["uds"], out error) is not { } words)
        {
            return null;
        }

        string? path = words.Value("uds") is { } given ? System.IO.Path.GetFullPath(given) : null;
        if (!int.TryParse(words.What, NumberStyles.None, CultureInfo.InvariantCulture, out int cid) || cid < LeastCid)
        {
            error = $"'{words.What}' is no guest's number; give one from {LeastCid} on (2 is the host), as in 3,uds=/tmp/guest.vsock.";
        }
        else if (path is not null && !Fits(path))
        {
            error = $"uds={path}: it is too long for a socket; give a path of at most {s_mostPathBytes} bytes.";
        }

        return error is null ? new VsockRequest((uint)cid, path, []) : null;
    }

    /// <summary>Whether sockets can be made at a path, and at those that begin with it.</summary>
    internal static bool Fits(string path) => UnixAddress.TryCreate(path + "_4294967295") is not null;

    /// <summary>Makes it; the caller disposes it.</summary>
    internal VsockEndpoint Create(DescriptorBudget descriptors) => new(Cid, descriptors, Path);
}
